//! Secrets that can't be read any more, since the key file that encrypted them is gone.

use super::{connector::can_sign_notifications, webhook};
use crate::{app::App, error::Result, store};

/// Tells at start which those are: each has to be entered again.
pub fn tell_lost(app: &App) -> Result<()> {
    for connector in app.store.control.read(store::connector::with_secrets)? {
        let (name, key_file) = (&connector.api_name, store::KEY_FILE);
        let all = &connector.webhook_settings.signing_secrets;
        let lost = all.iter().filter(|sealed| webhook::secret(app, connector.id, sealed).is_none()).count();
        if lost > 0 {
            log::warn!(
                "connector={name} {lost} of its {} webhook signing secrets can't be read: {key_file} is not the file that encrypted them. Enter them again.",
                all.len()
            );
        }
        let signs = connector.notification_settings.signing_secret.is_some();
        if signs && !can_sign_notifications(app, &connector) {
            log::warn!(
                "connector={name} the signing secret of its notifications can't be read: {key_file} is not the file that encrypted it. Enter it again."
            );
        }
    }
    Ok(())
}
