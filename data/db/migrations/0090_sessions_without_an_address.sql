-- Una sesión puede empezar sin correo: el de quien la empezó queda vacío hasta que lo dé.
ALTER TABLE support_troubleshooting_sessions ALTER COLUMN customer_email DROP NOT NULL;
ALTER TABLE support_troubleshooting_feedback ALTER COLUMN customer_email DROP NOT NULL;
