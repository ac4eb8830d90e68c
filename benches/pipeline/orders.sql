-- What a user of the product writes: the file's text tidied, the customer joined. Numbers and truth
-- values stay text for the variables.
create table output.orders as
select
    o.rowid as _line,
    trim(o.order_number) as order_number,
    lower(trim(o.email)) as email,
    o.first_name || ' ' || o.last_name as full_name,
    o.phone as phone,
    case when substr(o.placed_at, 5, 1) = '-' then substr(o.placed_at, 1, 10)
         when substr(o.placed_at, 3, 1) = '/' then
             substr(o.placed_at, 7, 4) || '-' || substr(o.placed_at, 1, 2) || '-' || substr(o.placed_at, 4, 2)
         else substr(o.placed_at, 8, 4) || '-'
             || substr('010203040506070809101112',
                       (instr('JanFebMarAprMayJunJulAugSepOctNovDec', substr(o.placed_at, 4, 3)) - 1) / 3 * 2 + 1, 2)
             || '-' || substr(o.placed_at, 1, 2)
    end as placed_on,
    o.quantity as quantity,
    o.price as price,
    lower(trim(o.status)) as status,
    o.is_member as is_member,
    o.tags as tags,
    o.notes as notes,
    c.customer_id as customer_id,
    c.region as region
from input.orders_csv as o
left join kizen.customers as c on c.email = lower(trim(o.email));
