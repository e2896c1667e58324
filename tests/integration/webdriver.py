"""webdriver - as much of W3C WebDriver as the tests need to see a page in a real browser, with the standard library.

Chromium, headless, by its own chromedriver; both end with close(). A missing element is not an error here: find() gives
None, and until() waits for the page to change, asking ten times a second, because a page sends the test no events.
"""
import base64
import http.client
import json
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver, section 12.1


class Error(Exception):
    pass


class Browser:
    def __init__(self, arguments=(), size=(1280, 1000)):
        self.directory = tempfile.TemporaryDirectory(prefix="browser-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0", f"--log-path={self.directory.name}/driver.log"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.session = None
        for line in self.driver.stdout:
            if "successfully on port" in line:
                self.port = int(line.rstrip(".\n ").split()[-1])
                break
        else:
            raise Error("chromedriver does not start")
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                            "--disable-background-networking", "--disable-component-update", "--accept-lang=ja",
                            f"--user-data-dir={self.directory.name}/profile", f"--window-size={size[0]},{size[1]}",
                            *arguments]}
        self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        where = path if self.session is None else f"/session/{self.session}{path}"
        connection.request(method, where, json.dumps(body if body is not None else {}) if method == "POST" else None,
                           {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise Error(f"{path}: {value['error']}: {value['message'].splitlines()[0]}")
        return value

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function's body in the page; from outside its Content-Security-Policy."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        try:
            return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        except Error:
            return None

    def act(self, selector, what, body=None):
        """On an element; once more if the page drew itself anew between its finding and the act, as a live page does."""
        for tries_left in range(9, -1, -1):
            element = self.find(selector)
            if element is None:
                raise Error(f"there is no {selector} for {what}")
            try:
                return self.ask("POST", f"/element/{element}/{what}", body)
            except Error as error:
                if not tries_left or not any(word in str(error) for word in ("stale element", "not interactable")):
                    raise

    def click(self, selector):
        self.act(selector, "click")

    def type(self, selector, text):
        self.act(selector, "value", {"text": text})

    def press(self, key):
        keys = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": keys}]})

    def text(self, selector="body"):
        """What a person sees of it, "" if it is not there."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def until(self, condition, seconds=10):
        """Wait for condition() to be true: whether it came to be."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def sees(self, *texts, seconds=10, selector="body"):
        return self.until(lambda: all(t in self.text(selector) for t in texts), seconds)

    def resize(self, width, height):
        self.ask("POST", "/window/rect", {"width": width, "height": height})

    def chrome(self, command, **parameters):
        """A command of Chromium's own DevTools protocol."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def theme(self, dark):
        self.chrome("Emulation.setEmulatedMedia",
                    features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def log(self):
        """What the page's console said since the last call."""
        return self.ask("POST", "/se/log", {"type": "browser"})

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", "")
        except (Error, OSError):
            pass
        self.driver.terminate()
        self.driver.wait()
        self.directory.cleanup()
