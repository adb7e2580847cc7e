-- Una persona, una fila: las direcciones de correo se guardan y se comparan en minúsculas. Donde la misma estaba escrita de varias
-- maneras queda la fila cambiada por última vez, con los eventos y los silencios de todas.
WITH written AS (
    SELECT r.*, lower(btrim(r.recipient)) AS normal,
           row_number() OVER (PARTITION BY r.tenant_id, lower(btrim(r.recipient)) ORDER BY r.updated_at DESC, r.recipient) AS place,
           count(*) OVER (PARTITION BY r.tenant_id, lower(btrim(r.recipient))) AS times
      FROM support_troubleshooting_recipients r WHERE r.channel = 'email')
UPDATE support_troubleshooting_recipients r
   SET events = (SELECT coalesce(array_agg(DISTINCT e ORDER BY e), '{}') FROM written o, unnest(o.events) e
                  WHERE o.tenant_id = w.tenant_id AND o.normal = w.normal),
       muted = (SELECT coalesce(array_agg(DISTINCT m ORDER BY m), '{}') FROM written o, unnest(o.muted) m
                 WHERE o.tenant_id = w.tenant_id AND o.normal = w.normal)
  FROM written w
 WHERE w.place = 1 AND w.times > 1 AND r.tenant_id = w.tenant_id AND r.channel = 'email' AND r.recipient = w.recipient;

WITH written AS (
    SELECT r.tenant_id, r.recipient,
           row_number() OVER (PARTITION BY r.tenant_id, lower(btrim(r.recipient)) ORDER BY r.updated_at DESC, r.recipient) AS place
      FROM support_troubleshooting_recipients r WHERE r.channel = 'email')
DELETE FROM support_troubleshooting_recipients r USING written w
 WHERE w.place > 1 AND r.tenant_id = w.tenant_id AND r.channel = 'email' AND r.recipient = w.recipient;

UPDATE support_troubleshooting_recipients r SET recipient = lower(btrim(r.recipient))
 WHERE r.channel = 'email' AND r.recipient <> lower(btrim(r.recipient));

UPDATE support_troubleshooting_notifications n SET recipient = lower(btrim(n.recipient))
 WHERE n.status = 'pending' AND n.channel = 'email' AND n.recipient <> lower(btrim(n.recipient));
