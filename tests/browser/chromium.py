"""A headless Chromium of one's own, steered over a pipe (Chrome DevTools Protocol), that talks to nobody by itself."""
import json, os, shutil, subprocess, tempfile, threading, queue

QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--no-proxy-server",
         "--disable-dev-shm-usage"]


def found():
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    def __init__(self, *options):
        self.work = tempfile.TemporaryDirectory(prefix="hallmark-browser-")
        self.number, self.events, self.answers = 0, [], queue.Queue()
        to_read, self.to = os.pipe()
        self.back, from_write = os.pipe()

        def place():  # the protocol wants these two numbers
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen([found(), *QUIET, "--remote-debugging-pipe", f"--user-data-dir={self.work.name}", *options, "about:blank"],
                                        preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        threading.Thread(target=self._listen, daemon=True).start()
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.ask(f"{domain}.enable")

    def _listen(self):
        rest = b""
        while True:
            try:
                piece = os.read(self.back, 1 << 20)
            except OSError:
                piece = b""
            if not piece:
                self.answers.put(None)
                return
            rest += piece
            *whole, rest = rest.split(b"\0")
            for text in whole:
                said = json.loads(text)
                if "id" in said:
                    self.answers.put(said)
                else:
                    self.events.append(said)

    session = None

    def ask(self, method, params=None, timeout=120):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            said = self.answers.get(timeout=timeout)
            if said is None:
                raise RuntimeError("the browser is gone")
            if said["id"] == self.number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return said["result"]

    def run(self, expression, timeout=120):
        """The value of an expression in the page; a promise is waited for."""
        said = self.ask("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}, timeout)
        if "exceptionDetails" in said:
            raise RuntimeError(said["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return said["result"].get("value")

    def visit(self, url):
        self.events.clear()
        self.ask("Page.navigate", {"url": url})
        self.run("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))")

    def choose(self, selector, *paths):
        """Files from the disk into an <input type=file>, as if they were picked."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self.ask("DOM.setFileInputFiles", {"nodeId": node, "files": [os.path.abspath(p) for p in paths]})

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        self.work.cleanup()
