"""function_host.py FOLDER MODULE: a warm function; answers lines of payloads with {"result"} or {"errorType", "errorMessage"} lines."""
import contextlib
import importlib
import io
import json
import sys

sys.path.insert(0, sys.argv[1])
MAX_PAYLOAD = 6 * 1024 * 1024
handler = importlib.import_module(sys.argv[2]).handler

for line in sys.stdin:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            result = handler(json.loads(line), None)
        answer = {"result": json.loads(json.dumps(result, allow_nan=False))}
        if len(json.dumps(result)) > MAX_PAYLOAD:
            raise ValueError(f"an answer of more than {MAX_PAYLOAD} bytes")
    except Exception as error:
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
    answer["printed"] = printed.getvalue()
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
