#!/usr/bin/env python3
"""The server that cmd_fetch.sh talks to: http_server.py FOLDER PORT_FILE

Serves the files of FOLDER on 127.0.0.1, the port is written to PORT_FILE. The first part of a path says how:
  /ranges/NAME    with range requests            /plain/NAME  without: always all of it
  /slow/NAME      with range requests, 20 kB, then 40 kB a second
  /cut/NAME       breaks the connection after half of what is asked for
  /moved/NAME     to /ranges/NAME                /round/NAME  to itself
  /other/NAME     answers a range with another one               /broken/NAME  status 500
Each request is appended to FOLDER/log: path, range, status.
"""
import http.server, os, sys, time

folder, port_file = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, headers=()):
        with open(folder + "/log", "a") as log:
            print(self.path, self.headers.get("Range", "-"), status, file=log)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        how, name = self.path.strip("/").split("/", 1)
        if how in ("moved", "round"):
            to = "/ranges/" + name if how == "moved" else self.path
            return self.answer(302, [("Location", to), ("Content-Length", "0")])
        if how == "broken" or not os.path.exists(f"{folder}/{name}"):
            return self.answer(500 if how == "broken" else 404, [("Content-Length", "0")])
        body = open(f"{folder}/{name}", "rb").read()
        first, wanted = 0, self.headers.get("Range")
        if wanted and how != "plain":
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
            if first >= len(body):
                return self.answer(416, [("Content-Range", f"bytes */{len(body)}"), ("Content-Length", "0")])
            if how == "other":
                first = 0
            self.answer(206, [("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}"),
                              ("Content-Length", str(len(body) - first))])
        else:
            self.answer(200, [("Content-Length", str(len(body)))])
        body = body[first:]
        if how == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
            return
        while body:
            self.wfile.write(body[:20000])
            self.wfile.flush()
            body = body[20000:]
            if how == "slow":
                time.sleep(0.5)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that was killed
        pass


server = Server(("127.0.0.1", 0), Handler)
with open(port_file + ".tmp", "w") as out:
    print(server.server_address[1], file=out)
os.rename(port_file + ".tmp", port_file)
server.serve_forever()
