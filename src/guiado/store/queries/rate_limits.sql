-- name: take
-- Counts requests in their window, all of one kind: see guiado_take_requests in the schema. $2 identifiers, $3 kind, $4 counts, $5 maximum,
-- $6 minutes of the window.
SELECT t.taker, t.used_before, t.left_s FROM guiado_take_requests($1, $2, $3, $4, $5, $6) t
