# Two browsers, one way to drive them: profiles with tabs that load pages, each with the browser's
# own log of what it asked for and what came of it.
#
#     profile = browser.profile()                   # nothing is shared with other profiles
#     tab = profile.tab()
#     tab.open("http://127.0.0.1:8080/")            # does not wait for the page
#     wait_until(lambda: tab.js("document.readyState") == "complete")
#     assert tab.log == [("/", 200)]
#     profile.close()
#
# Chromium is driven by playwright.  That drives only a Firefox of its own make; this one is the
# distribution's, and is driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).  Both
# trust any certificate here: what is tested is the server.

import json
import subprocess
import threading
import time
from collections import defaultdict
from contextlib import suppress
from urllib.parse import urlsplit

from playwright.sync_api import Error as PlaywrightError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as websocket

PREFERENCES = {  # stock, but that it asks nobody outside for anything
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "remote.prefs.recommended": False,  # they would leave out the speculative connections
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
EVENTS = ["network.responseStarted", "network.responseCompleted", "network.fetchError"]


def path(url):
    parts = urlsplit(url)
    return parts.path


class Chromium:
    name = "chromium"

    def __init__(self, playwright, executable):
        # no sandbox: Chromium refuses to start one for root, which containers run as
        self.browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"]
        )

    def profile(self):
        return ChromiumProfile(self.browser)

    def close(self):
        self.browser.close()


class ChromiumProfile:
    def __init__(self, browser):
        self.context = browser.new_context(ignore_https_errors=True)

    def tab(self):
        return ChromiumTab(self.context.new_page())

    def close(self):
        self.context.close()


class ChromiumTab:
    def __init__(self, page):
        self.page, self.log = page, []
        page.on("response", lambda response: self._note(response, response.status))
        page.on("requestfailed", lambda request: self._note(request, request.failure))

    def _note(self, what, outcome):
        self.log.append((path(what.url), outcome))

    def open(self, url):
        with suppress(PlaywrightError):  # the log has it
            self.page.goto(url, wait_until="commit")

    def reload(self):
        with suppress(PlaywrightError):
            self.page.reload(wait_until="commit")

    def js(self, expression):
        """What the expression gives; None while a page comes or goes."""
        with suppress(PlaywrightError):
            return self.page.evaluate(expression)

    def close(self):
        self.page.close()


class Firefox:
    """A running Firefox; within: words before the command; dial(port): a socket to it."""

    name = "firefox"

    def __init__(self, executable, folder, within=(), dial=None):
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (folder / "user.js").write_text("\n".join(lines))
        command = [*within, executable, "--headless", "--no-remote", "--profile", str(folder)]
        command += ["--remote-debugging-port", "0", "about:blank"]
        with open(folder / "output.txt", "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self.logs, self.answers, self.number = defaultdict(list), {}, 0
        self.news = threading.Condition()
        self.socket = None
        try:
            port = self._port(folder / "WebDriverBiDiServer.json")
            self.socket = websocket(
                f"ws://127.0.0.1:{port}/session",
                sock=dial and dial(port),
                max_size=None,
                proxy=None,
                legacy=True,
            )
            threading.Thread(target=self._listen, daemon=True).start()
            self.send("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            self.send("session.subscribe", events=EVENTS)
        except BaseException:
            self.close()
            raise

    def _port(self, file):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError, ValueError):
                return json.loads(file.read_text())["ws_port"]
            time.sleep(0.05)
        raise AssertionError("Firefox does not start: " + file.with_name("output.txt").read_text())

    def _listen(self):
        with suppress(ConnectionClosed):
            for text in self.socket:
                message = json.loads(text)
                with self.news:
                    if message["type"] == "event":
                        self._note(message["method"], message["params"])
                    else:
                        self.answers[message["id"]] = message
                        self.news.notify_all()

    def _note(self, method, params):
        # an event stream only starts, everything else is noted when it is complete
        response = params.get("response")
        stream = response and response["mimeType"].startswith("text/event-stream")
        if response is None:
            outcome = params["errorText"]
        elif stream == (method == "network.responseStarted"):
            outcome = response["status"]
        else:
            return
        self.logs[params["context"]].append((path(params["request"]["url"]), outcome))

    def send(self, method, **params):
        """What the browser answers to a command; a RuntimeError if that is an error."""
        with self.news:
            self.number = number = self.number + 1
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        with self.news:
            assert self.news.wait_for(lambda: number in self.answers, 30), f"{method}: no answer"
            answer = self.answers.pop(number)
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def profile(self):
        return FirefoxProfile(self)

    def close(self):
        if self.socket:
            with suppress(Exception):
                self.send("browser.close")
            self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class FirefoxProfile:
    def __init__(self, browser):
        self.browser = browser
        answer = browser.send("browser.createUserContext", acceptInsecureCerts=True)
        self.id = answer["userContext"]

    def tab(self):
        return FirefoxTab(self.browser, self.id)

    def close(self):
        self.browser.send("browser.removeUserContext", userContext=self.id)


class FirefoxTab:
    def __init__(self, browser, profile):
        self.browser = browser
        answer = browser.send("browsingContext.create", type="tab", userContext=profile)
        self.id = answer["context"]
        self.log = browser.logs[self.id]

    def open(self, url):
        with suppress(RuntimeError):  # the log has it
            self.browser.send("browsingContext.navigate", context=self.id, url=url, wait="none")

    def reload(self):
        with suppress(RuntimeError):
            self.browser.send("browsingContext.reload", context=self.id, wait="none")

    def js(self, expression):
        """What the expression gives; None while a page comes or goes."""
        with suppress(RuntimeError):
            answer = self.browser.send(
                "script.evaluate",
                expression=f"JSON.stringify({expression})",
                target={"context": self.id},
                awaitPromise=False,
            )
            if answer["type"] == "success" and answer["result"]["type"] == "string":
                return json.loads(answer["result"]["value"])

    def close(self):
        self.browser.send("browsingContext.close", context=self.id)
