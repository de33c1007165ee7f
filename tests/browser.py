#!/usr/bin/env python3
"""Opens pages in a headless Chromium and says what is wrong with them: tests/browser.py PAGE.html .. [--pictures FOLDER]

Each is shown on a wide screen, light and dark, on a phone and in print. Wrong are: errors on the console, canvases on which nothing
is drawn, a page wider than the screen, colours that do not follow the setting, anything that is fetched. A line for each view; status 1
if one is wrong, 77 if there is no Chromium. Talks to the browser by its pipe (file descriptors 3 and 4), so there is no port.
"""
import base64, json, os, pathlib, shutil, subprocess, sys, tempfile

VIEWS = {  # width, height, scale, mobile, colours, medium
    "wide": (1280, 900, 1, False, "light", ""),
    "dark": (1280, 900, 1, False, "dark", ""),
    "phone": (390, 844, 2, True, "light", ""),
    "print": (794, 1123, 1, False, "dark", "print"),  # colours of the screen must not reach the paper
}
LOOK = """(() => {
  const canvases = [...document.querySelectorAll("canvas")];
  const drawn = (c) => c.width > 0 && c.height > 0 &&
      c.getContext("2d").getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 0).length > 500;
  const paper = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number);
  return {canvases: canvases.length, blank: canvases.filter((c) => !drawn(c)).length,
          over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          light: paper.reduce((a, b) => a + b) / 3 > 128, text: document.body.innerText.length,
          alerted: window.alerted === true};
})()"""


class Browser:
    def __init__(self, program, folder):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()

        def ends():
            spare = [os.dup(to_read), os.dup(to_write)]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                 "--remote-debugging-pipe", f"--user-data-dir={folder}"]
        self.process = subprocess.Popen([program, *flags, "about:blank"], preexec_fn=ends, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.rest, self.events, self.session = 0, b"", [], None

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.read, 1 << 16)
            if not more:
                sys.exit("browser: it ended by itself")
            self.rest += more
        text, _, self.rest = self.rest.partition(b"\0")
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"browser: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.message())

    def evaluate(self, text):
        return self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)["result"].get("value")


def wrong_of(seen, events, colours, medium):
    """What is wrong, in words."""
    errors = [e["params"]["exceptionDetails"].get("exception", {}).get("description", "an exception") for e in events if e["method"] == "Runtime.exceptionThrown"]
    errors += [e["params"]["entry"]["text"] for e in events if e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in ("error", "warning")]
    errors += [str(e["params"]["args"]) for e in events if e["method"] == "Runtime.consoleAPICalled"]
    fetched = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    errors += [f"fetches {url[:80]}" for url in fetched[1:]]
    if seen["blank"]:
        errors.append(f"{seen['blank']} of {seen['canvases']} canvases are blank")
    if seen["over"] > 0:
        errors.append(f"{seen['over']} pixels wider than the screen")
    if seen["light"] != (colours == "light" or medium == "print"):
        errors.append("the paper has the wrong colour")
    if seen["text"] < 200:
        errors.append("hardly any text")
    return errors


def show(browser, page, name, pictures):
    """Opens a page in one view; its errors."""
    width, height, scale, mobile, colours, medium = VIEWS[name]
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)
    browser.call("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": colours}])
    browser.events.clear()
    browser.call("Page.navigate", url=page.resolve().as_uri())
    browser.wait("Page.loadEventFired")
    browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seen = browser.evaluate(LOOK)
    wrong = wrong_of(seen, browser.events, colours, medium)
    if pictures:
        whole = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        (pathlib.Path(pictures) / f"{page.stem}-{name}.png").write_bytes(base64.b64decode(whole["data"]))
    print(f"{page.name} {name}: {seen['canvases']} canvases, " + ("; ".join(wrong) or "fine"))
    return wrong


def main():
    words = sys.argv[1:]
    pictures = words[words.index("--pictures") + 1] if "--pictures" in words else None
    pages = [pathlib.Path(word) for word in words if word.endswith(".html")]
    program = shutil.which("chromium")
    if not program:
        sys.exit(77)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.call(domain + ".enable")
        wrong = [error for page in pages for name in VIEWS for error in show(browser, page, name, pictures)]
        browser.session = None
        browser.call("Browser.close")
        browser.process.wait()
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
