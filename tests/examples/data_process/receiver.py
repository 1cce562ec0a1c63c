"""Stands in for Slack: takes one POST, writes its path, kind and body as JSON to the second file, and ends. The port that it
listens on is written to the first file."""
import http.server
import json
import os
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2] + ".part", "w") as out:
            json.dump({"path": self.path, "type": self.headers["Content-Type"], "body": body}, out, sort_keys=True)
            out.write("\n")
        os.rename(sys.argv[2] + ".part", sys.argv[2])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
with open(sys.argv[1] + ".part", "w") as out:
    print(server.server_port, file=out)
os.rename(sys.argv[1] + ".part", sys.argv[1])
server.timeout = 120
server.handle_request()
