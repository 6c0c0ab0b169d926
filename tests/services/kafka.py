"""A real Apache Kafka for tests: jars from Maven Central, KRaft mode, one JVM a broker, ready in a few seconds.

with started(tmp_path) as kafka:
    kafka.bootstrap            where it answers
    kafka.kill(1)              kill -9 one broker; kafka.start() brings it back
    kafka.pause(1)             stop one broker; kafka.resume(1) lets it go on

Needs Java 17 and Maven and, once, what Maven fetches from: about 45 MB, kept in the user's cache.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.services.locked import locked
from tests.services.missing import missing

VERSION = "4.3.1"
LOG4J = "2.24.3"
HEAP = "384m"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "troth-tests" / f"kafka-{VERSION}"
READY_SECONDS = 60
STOP_SECONDS = 15

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>troth</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{LOG4J}</version></dependency>
</dependencies></project>
"""
_LOGGING = """<Configuration status="WARN"><Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console>
</Appenders><Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


class Kafka:
    """One cluster in a folder. Nodes count from 1."""

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        self._folder = folder
        ports = free_ports(2 * nodes)
        self._brokers = {node: ports[node - 1] for node in range(1, nodes + 1)}
        self._controllers = {node: ports[nodes + node - 1] for node in range(1, nodes + 1)}
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in self._brokers.values())
        cluster = _java("kafka.tools.StorageTool", "random-uuid").strip()
        for node in self._brokers:
            self._format(node, cluster)

    def start(self, *nodes: int) -> None:
        """Start these nodes, or all that do not run; return when they answer."""
        for node in nodes or self._brokers:
            if node in self._running:
                continue
            home = self._folder / f"node{node}"
            with (home / "log.txt").open("ab") as log:
                self._running[node] = subprocess.Popen(
                    [*_command("kafka.Kafka", f"-Xms{HEAP}", f"-Xmx{HEAP}"), str(home / "server.properties")],
                    stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
        for node in nodes or self._brokers:
            self._wait_for(node)

    def kill(self, node: int) -> None:
        """End a node as a power failure would."""
        process = self._running.pop(node)
        process.kill()
        process.wait()

    def pause(self, node: int) -> None:
        """Let a node stand still, as in a long collection of garbage."""
        self._running[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """Let it go on."""
        self._running[node].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all nodes; what they hold stays."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:  # a controller without its quorum cannot leave in order
                process.kill()
                process.wait()
        self._running.clear()

    def _format(self, node: int, cluster: str) -> None:
        home = self._folder / f"node{node}"
        home.mkdir(parents=True)
        (home / "server.properties").write_text(self._properties(node, home), "utf-8")
        _java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(home / "server.properties"))

    def _properties(self, node: int, home: Path) -> str:
        replicas = min(3, len(self._brokers))
        in_sync = max(1, replicas - 1)
        broker, controller = f"127.0.0.1:{self._brokers[node]}", f"127.0.0.1:{self._controllers[node]}"
        voters = ",".join(f"{each}@127.0.0.1:{port}" for each, port in self._controllers.items())
        return f"""process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={home / "data"}
auto.create.topics.enable=false
offsets.topic.num.partitions=8
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=8388608
"""

    def _wait_for(self, node: int) -> None:
        ends = time.monotonic() + READY_SECONDS
        while not _answers(self._brokers[node]):
            log = self._folder / f"node{node}" / "log.txt"
            if self._running[node].poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"broker {node} did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
            _pause(0.1)


@contextmanager
def started(folder: Path, nodes: int = 1) -> Iterator[Kafka]:
    """A cluster of its own for as long as the block lasts. Skips the test where there can be none."""
    ensure()
    kafka = Kafka(folder, nodes)
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.stop()


def ensure() -> None:
    """Fetch the jars unless they are here. Skips the test, or with CI set fails it, where that cannot be."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            missing(f"Apache Kafka needs {program}, which this machine does not have")
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "lock"):
        if (CACHE / "complete").exists():
            return
        (CACHE / "pom.xml").write_text(_POM, "utf-8")
        (CACHE / "log4j2.xml").write_text(_LOGGING, "utf-8")
        fetch = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={CACHE / 'jars'}"]
        fetched = subprocess.run(fetch, cwd=CACHE, capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            missing(f"Maven could not fetch Apache Kafka {VERSION}: {(fetched.stdout + fetched.stderr)[-500:]}")
        (CACHE / "complete").touch()


def _command(main: str, *options: str) -> list[str]:
    quiet = f"-Dlog4j2.configurationFile={CACHE / 'log4j2.xml'}"
    return ["java", *options, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", quiet, "-cp", f"{CACHE / 'jars'}/*", main]


def _java(main: str, *arguments: str) -> str:
    done = subprocess.run([*_command(main), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_ports(count: int) -> list[int]:
    """Held open together while choosing, so that no two are the same."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _pause(seconds: float) -> None:
    """Nothing says when a broker answers but its answer."""
    time.sleep(seconds)  # noqa: TID251
