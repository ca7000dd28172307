"""What the programs that read the lists say of them: each list is read by its own consumer, hostile values included.

The programs come from apt and are no part of continuous integration: where one is missing, its tests skip.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lists_kit import ask, attribute, event, shelf
from programs import running

from misp_workflow.testing import free_port

NAMES = [
    attribute("domain", "evil.example"),
    attribute("domain", "www.evil.example"),
    attribute("hostname", "evil.example"),
    attribute("hostname", "Deep.Evil.Example."),
    attribute("hostname", "lone.example"),
    attribute("domain", "bücher.example"),
    attribute("domain", "under_score.example"),
    attribute("domain", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 50}.example"),
    attribute("domain", f"{'a' * 64}.example"),
    attribute("domain", "a..b"),
    attribute("domain", "evil.example\n$INCLUDE /etc/passwd"),
    attribute("domain", 'x" always_nxdomain'),
    attribute("domain", "$ORIGIN"),
    attribute("domain", "two words.example"),
    attribute("domain", "-dash.example"),
    attribute("domain", "hxxp://url.example/path"),
    attribute("domain", "com"),
    attribute("domain", "co.uk"),
    attribute("domain", "*.wild.example"),
    attribute("domain", "#comment.example"),
]
ADDRESSES = [
    attribute("ip-dst", "192.0.2.7"),
    attribute("ip-src", "192.0.2.0/24"),
    attribute("ip-dst", "198.51.100.9/24"),
    attribute("ip-dst", "198.51.100.128/25"),
    attribute("ip-dst|port", "203.0.113.9|443"),
    attribute("ip-dst", "2001:DB8::1"),
    attribute("ip-dst", "2001:db8:7::/48"),
    attribute("ip-dst", "::ffff:203.0.113.77"),
    attribute("ip-dst", "192.0.2.010"),
    attribute("ip-dst", "192.0.2.300"),
    attribute("ip-dst", "localhost"),
    attribute("ip-dst", "fe80::1%eth0"),
    attribute("ip-dst", "0.0.0.0/0"),
    attribute("ip-dst", "10.0.0.1 # why"),
]
HASHES = [
    attribute("md5", "D41D8CD98F00B204E9800998ECF8427E"),
    attribute("sha1", "a" * 40),
    attribute("filename|sha256", f"a|b c.exe|{'b' * 64}"),
    attribute("sha512", "c" * 128),
    attribute("md5", "d" * 31),
    attribute("sha256", "z" * 64),
]


@pytest.fixture
def consumer() -> Callable[[str], str]:
    """Return the path of a consumer; skip the test where it is not installed. Never required."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
        if path is None:
            pytest.skip(f"{name} is not installed here")
        return path

    return find


def say(*command: str | Path, timeout: float = 120, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout, check=False, **options
    )


def status_of(dig: str, port: int, name: str, kind: str = "A") -> str:
    """Return the status of a DNS answer: NXDOMAIN, NOERROR, …"""
    for _ in range(480):  # a server that has just begun may have no answer yet
        said = say(dig, "@127.0.0.1", "-p", str(port), "+tries=1", "+time=5", name, kind).stdout
        status = said.partition("status: ")[2].partition(",")[0]
        if status not in ("", "SERVFAIL"):
            break
        time.sleep(0.25)
    return status


def publish(keep, rows: list[dict], name: str = "it", **rules: object) -> Path:
    keep({name: rules})
    answer = ask(event(rows), name)
    assert answer["data"]["status"] == "delivered", answer
    assert shelf(name).check().clean
    return shelf(name).path


def test_bind_answers_nxdomain_for_a_listed_name_only(keep, consumer, tmp_path: Path) -> None:
    named, check, dig = consumer("named"), consumer("named-checkzone"), consumer("dig")
    path = publish(keep, [*NAMES, *ADDRESSES], format="rpz", zone="rpz.misp")
    told = say(check, "rpz.misp", path)
    assert told.returncode == 0 and "ignoring" not in told.stdout and "bad owner" not in told.stdout, told.stdout
    port, control = free_port(), tmp_path / "named.conf"
    content = tmp_path / "content"
    content.write_text(
        "$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 300\n@ IN NS localhost.\n"
        + "".join(f"{name} IN A 192.0.2.1\n" for name in ("@", "www", "a.b"))
    )
    zones = "".join(
        f'zone "{zone}" {{ type primary; file "{content}"; }};\n' for zone in ("evil.example", "good.example")
    )
    control.write_text(
        f"""options {{ directory "{tmp_path}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
        pid-file none; session-keyfile none; recursion yes; allow-recursion {{ any; }}; dnssec-validation no;
        response-policy {{ zone "rpz.misp"; }} qname-wait-recurse no; }};
        controls {{ }};
        {zones} zone "rpz.misp" {{ type primary; file "{path}"; }};"""
    )
    with running(named, "-g", "-c", control, port=port, log=tmp_path / "named.log"):
        assert status_of(dig, port, "www.evil.example") == "NXDOMAIN"
        assert status_of(dig, port, "a.b.evil.example") == "NXDOMAIN"
        assert status_of(dig, port, "below.deep.evil.example") == "NXDOMAIN"  # deep.evil.example is listed as a host
        assert status_of(dig, port, "xn--bcher-kva.example") == "NXDOMAIN"
        assert status_of(dig, port, "lone.example") == "NXDOMAIN"
        assert (
            status_of(dig, port, "www.good.example") == "NXDOMAIN"
        )  # it answers 192.0.2.1, and 192.0.2.0/24 is listed
        assert status_of(dig, port, "good.example", "NS") == "NOERROR"
    log = (tmp_path / "named.log").read_text()
    assert "invalid rpz" not in log and "not the canonical" not in log and "rpz.misp/IN: loaded serial" in log


def test_unbound_takes_the_zone_and_the_include(keep, consumer, tmp_path: Path) -> None:
    unbound, check, dig = consumer("unbound"), consumer("unbound-checkconf"), consumer("dig")
    zone = publish(keep, [*NAMES, *ADDRESSES], "zone", format="rpz")
    include = publish(keep, NAMES, "include", format="unbound")
    port, base = free_port(), f'server:\n directory: "{tmp_path}"\n chroot: ""\n username: ""\n pidfile: ""\n'
    rpz, plain = tmp_path / "rpz.conf", tmp_path / "include.conf"
    net = f' interface: 127.0.0.1\n port: {port}\n do-daemonize: no\n use-syslog: no\n logfile: ""\n'
    net += ' local-data: "good.example. A 127.0.0.9"\n'  # so that nobody outside is asked
    rpz.write_text(
        f'{base}{net} module-config: "respip validator iterator"\nrpz:\n name: rpz.misp\n zonefile: "{zone}"\n'
    )
    plain.write_text(f'{base}{net}include: "{include}"\n')
    for file in (rpz, plain):
        told = say(check, file)
        assert told.returncode == 0 and "error" not in told.stderr.replace("no errors", ""), told.stderr
        with running(unbound, "-d", "-c", file, port=port, log=tmp_path / "unbound.log"):
            for listed in ("evil.example", "deep.evil.example", "xn--bcher-kva.example", "lone.example"):
                assert status_of(dig, port, listed) == "NXDOMAIN", listed
            assert status_of(dig, port, "good.example") == "NOERROR"


GOOD = "$TTL 300\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 300\n@ IN NS localhost.\n"


def test_powerdns_recursor_takes_the_zone(keep, consumer, tmp_path: Path) -> None:
    recursor, dig = consumer("pdns_recursor"), consumer("dig")
    path, port = publish(keep, [*NAMES, *ADDRESSES], format="rpz", zone="rpz.misp"), free_port()
    (tmp_path / "good").write_text(f"{GOOD}@ IN A 127.0.0.9\nwww IN A 192.0.2.1\n")
    (tmp_path / "rules.lua").write_text(f'rpzFile("{path}", {{policyName="rpz.misp"}})\n')
    settings = {
        "config-dir": tmp_path, "socket-dir": tmp_path, "local-address": "127.0.0.1", "local-port": port,
        "daemon": "no", "lua-config-file": tmp_path / "rules.lua", "auth-zones": f"good.example={tmp_path}/good",
        "setuid": "", "setgid": "", "write-pid": "no", "threads": 1, "security-poll-suffix": "",
    }  # fmt: skip
    log = tmp_path / "recursor.log"
    with running(recursor, *(f"--{name}={value}" for name, value in settings.items()), port=port, log=log):
        for listed in ("evil.example", "a.b.evil.example", "lone.example", "xn--bcher-kva.example", "www.good.example"):
            assert status_of(dig, port, listed) == "NXDOMAIN", listed  # the last one answers 192.0.2.1
        assert status_of(dig, port, "good.example") == "NOERROR"
    told = log.read_text()
    assert "Unable to load RPZ" not in told and "skipping" not in told.lower(), told


def test_knot_resolver_takes_the_names_of_the_zone(keep, consumer, tmp_path: Path) -> None:
    """It knows no rpz-ip: give it a list that holds domains."""
    kresd, dig = consumer("kresd"), consumer("dig")
    path, port = publish(keep, NAMES, format="rpz", zone="rpz.misp"), free_port()
    (tmp_path / "hosts").write_text("127.0.0.9 good.example\n")
    (tmp_path / "conf").write_text(
        f"net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})\nmodules = {{ 'hints > iterate', 'policy' }}\n"
        f"policy.add(policy.rpz(policy.DENY, '{path}'))\nhints.add_hosts('{tmp_path}/hosts')\ncache.size = 10 * MB\n"
    )
    (tmp_path / "run").mkdir()
    log = tmp_path / "kresd.log"
    with running(kresd, "-n", "-c", tmp_path / "conf", tmp_path / "run", port=port, log=log):
        for listed in ("evil.example", "a.b.evil.example", "lone.example", "xn--bcher-kva.example"):
            assert status_of(dig, port, listed) == "NXDOMAIN", listed
        assert status_of(dig, port, "good.example") == "NOERROR"
    assert "rpz" not in log.read_text().lower(), log.read_text()


def query(number: int, name: str) -> bytes:
    """Return an Ethernet frame with a DNS query for a name, in a record of a capture file."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    asked = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 1, 1)
    udp = struct.pack(">HHHH", 40000 + number, 53, 8 + len(asked), 0) + asked
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2])
    words = sum(struct.unpack(">10H", head))
    checked = head[:10] + struct.pack(">H", ~((words & 0xFFFF) + (words >> 16)) & 0xFFFF) + head[12:]
    frame = bytes(12) + b"\x08\x00" + checked + udp
    return struct.pack("<IIII", 1_795_000_000 + number, 0, len(frame), len(frame)) + frame


def test_suricata_alerts_on_listed_names_only(keep, consumer, tmp_path: Path) -> None:
    suricata = consumer("suricata")
    path = publish(keep, NAMES, format="suricata", holds="domain")
    (tmp_path / "rules").write_text(
        'alert dns any any -> any any (msg:"listed"; dns.query; to_lowercase; '
        f"dataset:isset,bad,type string,load {path}; sid:1; rev:1;)\n"
    )
    (tmp_path / "conf.yaml").write_text(
        f"%YAML 1.1\n---\noutputs:\n  - fast:\n      enabled: yes\n      filename: fast.log\n"
        f"app-layer:\n  protocols:\n    dns:\n      udp:\n        enabled: yes\n        "
        f"detection-ports:\n          dp: 53\ndatasets:\n  rules:\n    allow-absolute-filenames: true\n"
        f"rule-files: []\ndefault-log-dir: {tmp_path}\n"
    )
    asked = ("EVIL.example", "lone.example", "xn--bcher-kva.example", "good.example", "below.lone.example")
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    (tmp_path / "capture").write_bytes(head + b"".join(query(number, name) for number, name in enumerate(asked)))
    common = [suricata, "-c", tmp_path / "conf.yaml", "-S", tmp_path / "rules", "-l", tmp_path]
    told = say(*common, "-T")
    assert told.returncode == 0 and "dataset" not in told.stderr.lower(), told.stdout + told.stderr
    say(*common, "-k", "none", "-r", tmp_path / "capture")
    alerts = (tmp_path / "fast.log").read_text().splitlines()
    assert sorted(line.split("10.0.0.1:")[1].split(" ")[0] for line in alerts) == ["40000", "40001", "40002"], alerts


def test_dnsmasq_takes_hosts_and_servers(keep, consumer, tmp_path: Path) -> None:
    dnsmasq, dig = consumer("dnsmasq"), consumer("dig")
    hosts = publish(keep, NAMES, "hosts", format="hosts")
    servers = publish(keep, NAMES, "servers", format="dnsmasq")
    assert say(dnsmasq, "--test", f"--conf-file={servers}").returncode == 0
    port = free_port()
    command = [dnsmasq, "-k", "--conf-file=/dev/null", "-R", "-h", "-p", str(port), "--listen-address=127.0.0.1"]
    command += ["--bind-interfaces", f"--addn-hosts={hosts}", f"--servers-file={servers}", "--log-facility=-"]
    command += ["--user=root", "--pid-file=", "--address=/good.example/192.0.2.99"]
    with running(*command, port=port, log=tmp_path / "dnsmasq.log"):
        assert status_of(dig, port, "below.evil.example", "MX") == "NXDOMAIN"
        assert status_of(dig, port, "good.example") == "NOERROR"
    log, number = (tmp_path / "dnsmasq.log").read_text(), len(hosts.read_text().splitlines())
    assert "bad " not in log and f"read {hosts} - {number} names" in log, log


def test_squid_parses_it_without_a_warning(keep, consumer, tmp_path: Path) -> None:
    squid = consumer("squid")
    path = publish(keep, NAMES, format="squid")
    config = tmp_path / "squid.conf"
    config.write_text(
        f'acl bad dstdomain "{path}"\nhttp_access deny bad\nhttp_access allow all\nhttp_port 127.0.0.1:{free_port()}\n'
        f"visible_hostname test\npid_filename {tmp_path}/squid.pid\ncoredump_dir {tmp_path}\n"
    )
    told = say(squid, "-k", "parse", "-f", config)
    assert told.returncode == 0, told.stderr
    assert not [line for line in told.stderr.splitlines() if "WARNING" in line or "ERROR" in line or "FATAL" in line]


def test_squid_refuses_a_listed_name(keep, consumer, tmp_path: Path) -> None:
    squid, curl = consumer("squid"), consumer("curl")
    path, port = publish(keep, NAMES, format="squid"), free_port()
    config = tmp_path / "squid.conf"
    for folder in (tmp_path, *tmp_path.parents[:3]):  # Squid gives up being root
        folder.chmod(folder.stat().st_mode | 0o755)
    config.write_text(
        f'acl bad dstdomain "{path}"\nhttp_access deny bad\nhttp_access allow all\nhttp_port 127.0.0.1:{port}\n'
        f"visible_hostname test\npid_filename none\ncache_log /dev/null\naccess_log none\ncoredump_dir {tmp_path}\n"
        "dns_nameservers 127.0.0.1\nshutdown_lifetime 0 seconds\ncache_mem 8 MB\n"
    )
    with running(squid, "-N", "-f", config, port=port, log=tmp_path / "squid.log"):
        ask_it = [curl, "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "20", "-x", f"http://127.0.0.1:{port}"]
        assert say(*ask_it, "http://www.evil.example/").stdout == "403"
        assert say(*ask_it, "http://127.0.0.1:9/").stdout == "503"  # allowed, and nobody there


@pytest.mark.parametrize(("holds", "rows"), [("ip", ADDRESSES), ("domain", NAMES), ("url", NAMES)])
def test_haproxy_starts_with_it(keep, consumer, tmp_path: Path, holds: str, rows: list[dict]) -> None:
    haproxy = consumer("haproxy")
    path = publish(keep, rows, format="haproxy", holds=holds)
    fetch = {"ip": "src", "domain": "hdr(host),host_only -i", "url": "base -i"}[holds]
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n"
        f"frontend f\n bind 127.0.0.1:{free_port()}\n acl bad {fetch} -f {path}\n http-request deny if bad\n"
        " default_backend b\nbackend b\n server s 127.0.0.1:9\n"
    )
    told = say(haproxy, "-c", "-f", config)
    assert told.returncode == 0, told.stderr


def test_nftables_applies_it_whole(keep, consumer) -> None:
    nft, unshare = consumer("nft"), consumer("unshare")
    path = publish(keep, ADDRESSES, "fw", format="nftables")
    told = say(unshare, "-n", "sh", "-c", f"{nft} -f {path} && {nft} -f {path} && {nft} list set inet misp misp_fw_4")
    if "Operation not permitted" in told.stderr:
        pytest.skip("the kernel lets us make no network namespace")
    assert told.returncode == 0, told.stderr
    for listed in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.9", "203.0.113.77"):
        assert listed in told.stdout
    publish(keep, [attribute("comment", "nothing")], "fw", format="nftables")
    assert say(unshare, "-n", nft, "-f", path).returncode == 0


def test_ipset_fills_it_whole(keep, consumer) -> None:
    ipset, unshare = consumer("ipset"), consumer("unshare")
    path = publish(keep, ADDRESSES, "fw", format="ipset")
    fill = f"{ipset} restore < {path}"
    told = say(unshare, "-n", "sh", "-c", f"{fill} && {fill} && {ipset} list misp_fw-4 && {ipset} list misp_fw-6")
    if "ermitted" in told.stderr or "Kernel" in told.stderr:
        pytest.skip(f"the kernel has no sets for us: {told.stderr.strip()}")
    assert told.returncode == 0, told.stderr
    assert "198.51.100.0/24" in told.stdout and "2001:db8:7::/48" in told.stdout


def test_clamav_finds_a_listed_hash_and_starts_with_an_empty_list(keep, consumer, tmp_path: Path) -> None:
    clamscan = consumer("clamscan")
    content = b"harmless, and listed\n"
    import hashlib

    sample = tmp_path / "sample"
    sample.write_bytes(content)
    listed = attribute("sha256", hashlib.sha256(content).hexdigest().upper())
    path = publish(keep, [*HASHES, listed], format="clamav")
    told = say(clamscan, "-d", path, sample)
    assert told.returncode == 1 and "MISP." in told.stdout, told.stdout + told.stderr
    publish(keep, [attribute("comment", "nothing")], format="clamav")
    assert not path.exists()
