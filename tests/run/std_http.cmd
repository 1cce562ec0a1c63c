cat > server.py <<'P'
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        text = {"/hello": "hello\n", "/echo": "%s %s %s" % (self.command, self.headers.get("X-Word", self.headers.get("Content-Type")), body)}.get(self.path)
        self.send_response(404 if text is None else 200)
        self.end_headers()
        self.wfile.write((text or "no such page").encode())
    do_GET = do_POST = do_PUT = answer
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open("port.tmp", "w").write(str(server.server_port))
__import__("os").rename("port.tmp", "port")
server.serve_forever()
P
python3 server.py & server=$!
trap 'kill $server' EXIT
for _ in $(seq 300); do [ -s port ] && break; sleep 0.1; done
wfc run -q "$1" -p "url=http://127.0.0.1:$(cat port)" 2>&1 | sed "s/:$(cat port)/:PORT/"
