-- Lo que enseñaron los clientes de versiones anteriores se lee como lo que enseñan hoy: lo que una persona aceptó cuenta siempre; lo que
-- va contra la detección, o donde ella dudaba, es un voto; un «no es esto» sin más palabras (empty) no cuenta.
UPDATE support_troubleshooting_ml_training t SET metadata = t.metadata || '{"reviewed": true}'
 WHERE t.source <> 'agent' AND t.status = 'accepted' AND NOT t.metadata ? 'reviewed'
   AND EXISTS (SELECT FROM support_troubleshooting_learning l
                WHERE l.tenant_id = t.tenant_id AND l.kind IN ('example', 'negative') AND l.source = 'agent'
                  AND l.metadata ->> 'example' = t.id::text AND l.metadata ->> 'status' = 'accepted');

UPDATE support_troubleshooting_ml_training t SET metadata = t.metadata || jsonb_build_object('vote', 'rejected')
 WHERE t.source <> 'agent' AND t.label = 'negative' AND NOT t.metadata ?| ARRAY['reviewed', 'vote']
   AND EXISTS (SELECT FROM support_troubleshooting_sessions s, jsonb_array_elements(s.clarifications) c
                WHERE s.tenant_id = t.tenant_id AND s.session_id = t.session_id
                  AND c ->> 'rejected' = t.problem_id AND c -> 'said' <> '{}');

UPDATE support_troubleshooting_ml_training t SET metadata = t.metadata || jsonb_build_object('vote', 'empty')
 WHERE t.source <> 'agent' AND t.label = 'negative' AND t.status = 'accepted' AND NOT t.metadata ?| ARRAY['reviewed', 'vote'];

UPDATE support_troubleshooting_ml_training t
   SET metadata = t.metadata || jsonb_build_object('vote', CASE WHEN s.clarifications <> '[]' THEN 'chosen' ELSE 'unsure' END)
  FROM support_troubleshooting_sessions s
 WHERE t.source <> 'agent' AND t.label = 'positive' AND NOT t.metadata ?| ARRAY['reviewed', 'vote']
   AND s.tenant_id = t.tenant_id AND s.session_id = t.session_id
   AND (s.clarifications <> '[]' OR s.detection_confidence < 0.6);
