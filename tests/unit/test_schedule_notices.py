"""Notices of scheduled runs: to a command and by e-mail, and never at the cost of the run."""

import json
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import servicecircle as sc
from servicecircle.schedule import mail as mail_module
from servicecircle.schedule import notices
from servicecircle.schedule.notices import body_of, notify, subject_of
from servicecircle.scheduling import Mail, Schedule
from unit.small_town import SmallTown

FACTS = {
    "status": "draft",
    "as_of": "2026-06-30",
    "run_id": "0007-2026-07-01",
    "headlines": {"met_rate": 0.65999, "people_share": 1.0, "elderly_share": float("nan")},
    "verdicts": {"changed": 3, "better": 2, "worse": 1},
    "why": ["总人口由 1000 人变为 800 人。", "道路由 10 公里变为 5 公里。"],
    "folder": "/srv/报告/runs/0007-2026-07-01",
    "latest": "/srv/报告/latest",
    "approved_by": "张三 13800000000",
}
HOSTILE = "a\r\nBcc: all@example.org\n\n<script>{name}%s\u202e\x07\ud800" + "长" * 5000
RECEIVE = "import sys, pathlib; pathlib.Path('got.json').write_bytes(sys.stdin.buffer.read())"


@pytest.fixture
def study(tmp_path):
    return sc.Study.from_file(SmallTown(tmp_path).write().study)


def scheduled(study, *, name=None, language="zh", **schedule):
    table = study.study.model_copy(update={"name": name or study.name, "language": language})
    return study.model_copy(update={"study": table, "schedule": Schedule(**schedule)})


def python(code, *arguments):
    return (sys.executable, "-c", code, *arguments)


# ---------------------------------------------------------------- a mail server


@dataclass
class Inbox:
    """What a server took, and whom it refuses."""

    refuses: tuple[str, ...] = ()
    messages: list = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


class Server(Controller):
    """A server in a thread, which ends no connection half way."""

    def factory(self):
        self.ends = [*getattr(self, "ends", ()), super().factory()]
        return self.ends[-1]

    def stop(self, no_assert=False):
        until = time.monotonic() + 1
        while any(end.transport for end in self.ends) and time.monotonic() < until + 2:
            for end in self.ends if time.monotonic() > until else ():
                if end.transport:
                    self.loop.call_soon_threadsafe(end.transport.abort)
            time.sleep(0.01)
        super().stop(no_assert)


@pytest.fixture
def server():
    """Start mail servers on this machine: `server(inbox, …) -> port`."""
    running = []

    def start(inbox, **options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        running.append(Server(inbox, hostname="127.0.0.1", port=port, **options))
        running[-1].start()
        return port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's own for 127.0.0.1, and a server's side of it."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=here"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {cert}"
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def to(port, **given):
    return Mail(**{"host": "127.0.0.1", "port": port, "security": "none", "sender": "报告 <r@example.org>",
                   "to": ("a@example.org", "b@example.org")} | given)  # fmt: skip


def asked(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"right-word", handled=False)


# ---------------------------------------------------------------- by e-mail


def test_a_mail_tells_what_happened_and_where(study, server):
    inbox = Inbox()
    study = scheduled(study, mail=to(server(inbox)))
    assert notify(study, "refused", FACTS) == []
    ((recipients, message),) = inbox.messages
    assert recipients == ["a@example.org", "b@example.org"]
    assert message["From"] == "报告 <r@example.org>"
    assert message["Subject"] == "【暂缓发布】小镇 2026-06-30"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.org>")
    assert message.get_content().splitlines() == [
        "小镇的新报告与已发布的相差过大，暂缓发布，原报告保持不变。",
        "",
        "数据截止日期：2026-06-30",
        "运行编号：0007-2026-07-01",
        "主要指标：",
        "  - 达标率：65.9%",
        "  - 人口覆盖率：100.0%",
        "  - 老年人口覆盖率：—",
        "判定有变化的村（社区）3 个：转为达标 2 个，不再达标 1 个",
        "暂缓原因：",
        "  - 总人口由 1000 人变为 800 人。",
        "  - 道路由 10 公里变为 5 公里。",
        "本次报告：/srv/报告/runs/0007-2026-07-01",
        "现行报告：/srv/报告/latest",
        "",
        "数据有误的，改正后重新运行；变化属实的，用 servicecircle approve 批准。",
        "供绩效考核参考，非考核结果。",
        "本邮件由程序自动发出，请勿回复。",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("event", ["published", "refused", "failed", "verdict_changed"])
def test_each_event_is_told_in_both_languages_and_names_nobody(study, event, language):
    study = scheduled(study, language=language, name="小镇" if language == "zh" else "Town")
    for status in ("draft", "final"):
        facts = FACTS | {"status": status, "error": "no space left"}
        facts = {k: v for k, v in facts.items() if language == "zh" or k not in {"why", "folder", "latest"}}
        text = subject_of(study, event, facts) + body_of(study, event, facts)
        assert "张三" not in text
        assert "138000" not in text
        assert "no space left" in text
        assert "{" not in text
        assert any("\u4e00" <= c <= "\u9fff" for c in text) is (language == "zh")


def test_a_draft_is_called_one(study):
    study = scheduled(study)
    assert subject_of(study, "published", FACTS) == "【送审稿待批准】小镇 2026-06-30"
    assert "servicecircle approve" in body_of(study, "published", FACTS)
    final = FACTS | {"status": "final"}
    assert subject_of(study, "published", final) == "【报告已发布】小镇 2026-06-30"
    assert "approve" not in body_of(study, "published", final)


def test_nothing_is_told_of_what_is_not_known(study):
    nothing = {"as_of": "", "error": "", "why": [], "headlines": {}, "verdicts": {"changed": 0}}
    text = body_of(scheduled(study, language="en"), "failed", nothing)
    assert ":" not in text


def test_hostile_names_add_no_header_and_no_line(study, server):
    inbox = Inbox()
    facts = FACTS | {"as_of": HOSTILE, "why": [HOSTILE, 3], "error": HOSTILE, "folder": HOSTILE,
                     "headlines": {HOSTILE: 0.5}, "verdicts": HOSTILE}  # fmt: skip
    study = scheduled(study, name=HOSTILE, mail=to(server(inbox)))
    assert notify(study, "refused", facts) == []
    ((recipients, message),) = inbox.messages
    assert recipients == ["a@example.org", "b@example.org"]
    assert message["Bcc"] is None
    assert message["Subject"].startswith("【暂缓发布】a Bcc: all@example.org <script>{name}%s长")
    assert len(message["Subject"]) < 400
    text = message.get_content()
    assert not any(line.startswith("Bcc") for line in text.splitlines())
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 1100


@pytest.mark.parametrize(
    "given", [{"sender": "r@example.org\r\nBcc: x@example.org"}, {"to": ("a@b\nBcc: x@c",)}]
)
def test_an_address_with_a_line_break_is_refused(study, server, given):
    inbox = Inbox()
    (wrong,) = notify(scheduled(study, mail=to(server(inbox), **given)), "failed", FACTS)
    assert "邮件未能发出" in wrong
    assert "\n" not in wrong
    assert inbox.messages == []


def test_a_long_list_is_cut_and_says_so(study):
    text = body_of(scheduled(study), "refused", {"why": [f"第{n}条" for n in range(60)]})
    assert "第49条" in text
    assert "第50条" not in text
    assert "另有 10 项" in text


def test_who_a_server_refuses_is_named_and_the_others_get_it(study, server):
    inbox = Inbox(refuses=("b@example.org",))
    port = server(inbox)
    (wrong,) = notify(scheduled(study, language="en", mail=to(port)), "failed", FACTS)
    assert wrong == "The mail server refused the recipient b@example.org: 550 no such person"
    assert inbox.messages[0][0] == ["a@example.org"]
    (wrong,) = notify(scheduled(study, mail=to(port, to=("b@example.org",))), "failed", FACTS)
    assert "b@example.org: 550 no such person" in wrong


def test_no_server_is_a_line_of_words(study):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (wrong,) = notify(scheduled(study, mail=to(free.getsockname()[1])), "failed", FACTS)
    assert "Connection refused" in wrong
    (wrong,) = notify(scheduled(study, mail=to(25, host="a..b")), "failed", FACTS)
    assert "a..b:25" in wrong


def test_a_server_that_says_nothing_is_given_up(study, monkeypatch):
    monkeypatch.setattr(mail_module, "_WAIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (wrong,) = notify(scheduled(study, mail=to(silent.getsockname()[1])), "failed", FACTS)
    assert "timed out" in wrong


def test_the_password_comes_from_the_environment_and_is_never_shown(study, server, certificate, monkeypatch):
    cert, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    inbox = Inbox()
    port = server(inbox, tls_context=context, authenticator=asked, auth_required=True)
    study = scheduled(study, mail=to(port, security="starttls", user="user", password_env="TOWN_MAIL"))
    (wrong,) = notify(study, "failed", FACTS)
    assert "环境变量 TOWN_MAIL 中没有密码" in wrong
    monkeypatch.setenv("TOWN_MAIL", "wrong-word")
    (wrong,) = notify(study, "failed", FACTS)
    assert "535" in wrong
    assert "wrong-word" not in wrong
    assert inbox.messages == []
    monkeypatch.setenv("TOWN_MAIL", "right-word")
    assert notify(study, "failed", FACTS) == []
    assert len(inbox.messages) == 1


def test_starttls_and_tls_reach_a_server_that_is_known(study, server, certificate, monkeypatch):
    cert, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    for security, options in (
        ("starttls", {"tls_context": context, "require_starttls": True}),
        ("tls", {"ssl_context": context}),
    ):
        inbox = Inbox()
        study = scheduled(study, mail=to(server(inbox, **options), security=security))
        assert notify(study, "published", FACTS) == []
        assert len(inbox.messages) == 1


def test_a_server_that_is_not_known_gets_nothing(study, server, certificate, monkeypatch):
    _, context = certificate
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    inbox = Inbox()
    port = server(inbox, tls_context=context)
    plain = server(inbox)
    for where, security, said in (
        (port, "starttls", "certificate verify failed"),
        (plain, "starttls", "STARTTLS"),
        (plain, "tls", ""),
    ):
        (wrong,) = notify(scheduled(study, mail=to(where, security=security)), "published", FACTS)
        assert said in wrong
    assert inbox.messages == []


# ---------------------------------------------------------------- by a command


def test_a_command_gets_all_facts_as_json_in_the_study_s_folder(study):
    study = scheduled(study, command=python(RECEIVE), name="小镇\r\n{x}\ud800")
    assert notify(study, "refused", FACTS | {"why": [HOSTILE], "event": "x"}) == []
    got = json.loads((study.path.parent / "got.json").read_bytes())
    assert got["event"] == "refused"
    assert got["study"] == {"id": "study", "name": "小镇\r\n{x}\ud800", "path": str(study.path)}
    assert got["why"] == [HOSTILE]
    assert got["headlines"] == {"met_rate": 0.65999, "people_share": 1.0, "elderly_share": None}
    assert "人口" not in json.dumps(got)
    assert "暂缓".encode() not in (study.path.parent / "got.json").read_bytes()
    assert "小镇".encode() in (study.path.parent / "got.json").read_bytes()


def test_no_shell_reads_the_arguments(study):
    code = "import sys, pathlib; pathlib.Path('args.txt').write_text(sys.argv[1])"
    study = scheduled(study, command=python(code, "$(touch owned); a && b > c | d `e` %PATH%"))
    assert notify(study, "failed", {}) == []
    assert (study.path.parent / "args.txt").read_text() == "$(touch owned); a && b > c | d `e` %PATH%"
    assert not (study.path.parent / "owned").exists()


def test_a_command_that_fails_is_quoted(study):
    code = "import sys; print('x' * 10_000); print('\\x1b[31m末行\\r\\n', file=sys.stderr); sys.exit(3)"
    (wrong,) = notify(scheduled(study, command=python(code)), "failed", FACTS)
    assert "返回 3" in wrong
    assert wrong.endswith("x [31m末行")
    assert len(wrong) < 800


@pytest.mark.parametrize("program", ["no-such-program", "./study.toml", "nul\0"])
def test_a_command_that_cannot_be_started_is_named(study, program):
    (wrong,) = notify(scheduled(study, command=(program,)), "failed", FACTS)
    assert "通知命令无法启动" in wrong
    assert program.rstrip("\0") in wrong


def test_a_command_that_hangs_is_ended_with_all_it_started(study, monkeypatch):
    monkeypatch.setattr(notices, "_WAIT_S", 1)
    child = "import time, pathlib; time.sleep(2.5); pathlib.Path('late').write_text('')"
    code = "import os, sys; print('at work', flush=True); "
    code += f"os.spawnv(os.P_WAIT, sys.executable, ['python', '-c', {child!r}])"
    began = time.monotonic()
    (wrong,) = notify(scheduled(study, language="en", command=python(code)), "failed", FACTS)
    assert time.monotonic() - began < 2.5
    assert wrong.startswith("The notification command was stopped after 1 s")
    assert wrong.endswith(": at work")
    time.sleep(max(0, 3 - (time.monotonic() - began)))
    assert not (study.path.parent / "late").exists()


def test_what_a_command_leaves_running_is_not_waited_for(study):
    child = "import time; time.sleep(5)"
    code = f"import os, sys; os.spawnv(os.P_NOWAIT, sys.executable, ['python', '-c', {child!r}])"
    began = time.monotonic()
    assert notify(scheduled(study, command=python(code)), "failed", FACTS) == []
    assert time.monotonic() - began < 4


def test_a_command_that_reads_nothing_is_well_too(study):
    assert notify(scheduled(study, command=python("pass")), "failed", {"why": ["x" * 10**6]}) == []


# ---------------------------------------------------------------- both


def test_both_are_tried_whatever_becomes_of_the_other(study, server):
    inbox = Inbox()
    study = scheduled(study, command=("no-such-program",), mail=to(server(inbox)))
    assert len(notify(study, "failed", FACTS)) == 1
    assert len(inbox.messages) == 1
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        both = scheduled(study, command=python(RECEIVE), mail=to(free.getsockname()[1]))
        assert len(notify(both, "failed", FACTS)) == 1
    assert (study.path.parent / "got.json").exists()


def test_a_study_that_asks_for_nothing_tells_nobody(study):
    assert notify(study, "failed", FACTS) == []
    assert notify(scheduled(study), "failed", FACTS) == []
