"""ScanQA and SQA3D as lmms-eval tasks."""
