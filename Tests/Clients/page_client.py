#!/usr/bin/env python3
"""The local web page in headless Chromium, driven over WebDriver with Python's standard library.

    page_client.py URL TOKEN SOLIDITY_FILE [SCREENSHOT_DIRECTORY]

Needs Debian's packages chromium and chromium-driver. Status 77 when they are missing. The server must run a model; what it
answers does not matter.
"""

import base64, json, os, shutil, subprocess, sys, tempfile, time, urllib.request


class Browser:
    """As much of WebDriver (W3C) as is needed here."""

    def __init__(self, downloads):
        self.driver = subprocess.Popen(
            [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.base = f"http://127.0.0.1:{line.rsplit(' ', 1)[1].strip().rstrip('.')}"
                break
        self.session = self.request("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,800",
                "--disable-background-networking", f"--user-data-dir={downloads}"]}}}})["sessionId"]

    def request(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.base + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.loads(reply.read())["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.loads(error.read())["value"]["message"]) from None

    def call(self, method, path, body=None):
        return self.request(method, f"/session/{self.session}{path}", body)

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def element(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})

    def keys(self, selector, text):
        element = next(iter(self.element(selector).values()))
        self.call("POST", f"/element/{element}/value", {"text": text})

    def press(self, text):
        """Keys for whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector):
        element = next(iter(self.element(selector).values()))
        self.call("POST", f"/element/{element}/click", {})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def wait(self, what, script, *arguments, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if self.run("return !!(" + script + ")", *arguments):
                return
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} s; the page says: {self.text('body')[-600:]!r}")

    def shot(self, folder, name):
        if folder:
            with open(os.path.join(folder, name + ".png"), "wb") as file:
                file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def colors(self, scheme):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def problems(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] == "SEVERE"]

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.kill()


ENTER, ESCAPE = "\ue007", "\ue00c"
IDLE = "document.querySelector('#stop').hidden"


def contrast_script():
    """The lowest contrast (WCAG 2.2, 1.4.3) of visible text against the ground it stands on."""
    return """
      const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
      const read = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
      const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
      let worst = [21, ""];
      for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (!own || !node.checkVisibility() || node.closest(".visually-hidden, .skip, dialog:not([open])")) continue;
        let ground = node, color = read(getComputedStyle(ground).backgroundColor);
        while (ground && color.length === 4 && color[3] === 0) {
          ground = ground.parentElement;
          color = ground ? read(getComputedStyle(ground).backgroundColor) : [255, 255, 255];
        }
        const [a, b] = [light(read(getComputedStyle(node).color)), light(color)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < worst[0]) worst = [ratio, node.outerHTML.slice(0, 120)];
      }
      return worst;"""


def main():
    if not shutil.which("chromedriver") or not (shutil.which("chromium") or shutil.which("google-chrome")):
        print("SKIPPED: chromium and chromium-driver are not installed", file=sys.stderr)
        sys.exit(77)
    url, token, solidity = sys.argv[1:4]
    folder = sys.argv[4] if len(sys.argv) > 4 else None
    if folder:
        os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        page = Browser(profile)
        try:
            check(page, url, token, solidity, folder)
        finally:
            page.close()
    print("page: all checks passed")


def check(page, url, token, solidity, folder):
    # Without a token the page asks for it; a wrong one is refused; the right one opens.
    page.open(url + "/")
    page.wait("the token is asked for", "document.querySelector('#login').open")
    page.shot(folder, "login")
    page.keys("#token", "wrong" + ENTER)
    page.wait("a wrong token is refused", "document.querySelector('#login').open")
    # In the address it is taken out of it at once.
    page.open("about:blank")
    page.open(f"{url}/#token={token}")
    page.wait("the models are listed", "document.querySelector('#model').options.length > 0")
    assert page.run("return location.href") == url + "/", "the token stays in the address"
    assert page.run("return document.activeElement.id") == "composer-text", "the message field has no focus"
    page.problems()

    # A question, by keyboard alone.
    page.run("document.querySelector('#thinking').value = 'medium'; document.querySelector('#max-tokens').value = 60")
    page.press("What is a proxy?" + ENTER)
    page.wait("the answer is complete", IDLE + " && document.querySelectorAll('.message.assistant .figures').length")
    assert page.text(".message.user .body") == "What is a proxy?"
    assert "prompt token" in page.text(".message.assistant .figures"), page.text(".message.assistant")
    assert page.run("return document.querySelector('details.thoughts').open") is False, "thoughts are not folded"
    assert page.text("#speed"), "no speed is shown"
    assert page.run("return document.querySelector('.message.assistant').getAttribute('aria-busy')") == "false"
    page.shot(folder, "answer-light")
    worst = page.run(contrast_script())
    assert worst[0] >= 4.5, f"contrast {worst}"
    page.colors("dark")
    page.shot(folder, "answer-dark")
    worst = page.run(contrast_script())
    assert worst[0] >= 4.5, f"contrast in the dark {worst}"
    page.colors("light")

    # Stop, regenerate, edit.
    page.run("document.querySelector('#max-tokens').value = ''")
    page.press("Tell me everything." + ENTER)
    page.wait("the answer runs", "!document.querySelector('#stop').hidden")
    page.wait("something is said", "[...document.querySelectorAll('.message.assistant')].at(-1).textContent.length > 12")
    page.press(ESCAPE)
    page.wait("the answer is stopped", IDLE)
    page.run("document.querySelector('#max-tokens').value = 20")
    page.run("[...document.querySelectorAll('.message.assistant .actions button')].find((b) => b.textContent === 'Regenerate').click()")
    page.wait("the first answer is made again", IDLE + " && document.querySelectorAll('.message').length === 2")
    page.run("[...document.querySelectorAll('.message.user .actions button')][0].click()")
    page.run("const f = document.querySelector('.message.user textarea'); f.value = 'Edited <b>question</b>';"
             "[...document.querySelectorAll('.message.user .actions button')][0].click()")
    page.wait("the edited question is answered", IDLE + " && document.querySelectorAll('.message').length === 2")
    assert page.text(".message.user .body") == "Edited <b>question</b>", page.text(".message.user .body")

    # Conversations stay in this browser, over a reload; another can be begun and gone back from.
    page.open(url + "/")
    page.wait("the conversation is there again", "document.querySelectorAll('.message').length === 2")
    page.click("#new-conversation")
    page.wait("a new conversation is empty", "document.querySelectorAll('.message').length === 0")
    page.run("document.querySelector('#conversations .open').click()")
    page.wait("the old one is back", "document.querySelectorAll('.message').length === 2")

    # A dropped contract is audited.
    source = open(solidity).read()
    page.wait("the audit tools are there", "!document.querySelector('#tools').disabled")
    page.run("""
      const data = new DataTransfer();
      data.items.add(new File([arguments[0]], arguments[1], {type: "text/plain"}));
      document.dispatchEvent(new DragEvent("dragenter", {dataTransfer: data, bubbles: true}));""", source, os.path.basename(solidity))
    assert page.run("return !document.querySelector('#drop').hidden"), "the page does not show that files can be dropped"
    page.run("""
      const data = new DataTransfer();
      data.items.add(new File([arguments[0]], arguments[1], {type: "text/plain"}));
      document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));""", source, os.path.basename(solidity))
    page.wait("the report appears", "document.querySelectorAll('.report li').length > 0")
    assert os.path.basename(solidity) in page.text(".report .place"), page.text(".report")
    page.run("document.querySelector('#log').scrollTop = 1e9")
    page.shot(folder, "report")

    # A narrow window, without sideways scrolling.
    page.call("POST", "/window/rect", {"width": 500, "height": 800})
    page.open(url + "/")
    page.wait("the page is there", "document.querySelector('#model').options.length > 0")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
    page.shot(folder, "narrow")

    # Nothing from elsewhere, no errors, everything has a name for those who cannot see it.
    outside = page.run("return performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith(location.origin))")
    assert outside == [], f"loaded from elsewhere: {outside}"
    problems = [text for text in page.problems() if "401" not in text]
    assert problems == [], problems
    unnamed = page.run("""
      return [...document.querySelectorAll("button, input, select, textarea")].filter((node) => node.checkVisibility()
        && !(node.textContent.trim() && node.tagName === "BUTTON") && !node.labels?.length && !node.getAttribute("aria-label"))
        .map((node) => node.outerHTML)""")
    assert unnamed == [], unnamed


if __name__ == "__main__":
    main()
