#!/usr/bin/env python3
"""Opens what cajal wrote in circuit-tracer's own front end, in a headless Chromium.

    bench/peers/setup.sh front-end
    bench/peers/.venv-front-end/bin/python bench/peers/check_front_end.py [--bin build/release/bin/cajal] [--keep FOLDER]

A graph of the specimen with ideas as supernodes (`cajal explain -o`), one without (`cajal trace -o`), and the feature
files of the specimen's atlas (`cajal features --front-end`) lie in one folder, which circuit-tracer's local server serves with its
assets. The page is asked what it drew: every node and no other, links, supernodes with their members, labels (clerps), and,
after a click on a node, that feature's examples, tokens and histogram. Prints PASS or FAIL a point; exits 1 if one failed.

The assets load six libraries from the network. Here they come from npm instead: dagre 0.8.5 and pako 2.1.0 as the page names them, and
d3 7.9.2 with d3-jetpack 2.3.0 for builds of d3 and jetpack (2024-07-20) that are not published (their one difference that the page
notices is in AS_PART_OF_D3). Two are left out: hotserver-client-ws (reloads the page while it is developed) and npy (reads .npy files,
of which a graph has none). Nothing else of the assets is changed. The browser can reach no host but the server.

Two things that the page does are not ours, and the check goes round them. It forgets the supernodes of a file unless its
address names them too (init-cg.js takes an empty list from there), so the address does, as the page itself writes them. It lists
graphs from graph-metadata.json, which add_graph_metadata of circuit-tracer writes from each file's metadata.
"""
import argparse
import contextlib
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from circuit_tracer.frontend.local_server import DEFAULT_FRONTEND_DIR, serve
from circuit_tracer.frontend.utils import add_graph_metadata

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PROMPT = "Fact: the capital of the state containing Dallas is"
# What the page names, and the files of npm that are put together for it. jetpack is a module that adds to the d3 it is given.
LIBRARIES = {
    "d3.js": ["d3/dist/d3.min.js", "d3-collection/dist/d3-collection.min.js"],
    "jetpack_2024-07-20.js": ["d3-jetpack/build/d3-jetpack.cjs"],
    "dagre.min.js": ["dagre/dist/dagre.min.js"],
    "pako.min.js": ["pako/dist/pako.min.js"],
}
PORT = 8032
# The build that the page names draws axes from the value that conventions gives; the published one has a function for it.
AS_PART_OF_D3 = """(function (exports, module, require) {%s})(d3, {}, () => d3);
d3.conventions = (plain => c => { c = plain(c); c.drawAxis = svg => d3.drawAxis({...c, svg: svg || c.svg}); return c })(d3.conventions)
"""

# Runs in the page once it is drawn: clicks a node, and says what is to be seen.
SCRIPT = """
<pre id="seen"></pre>
<script>
(async () => {
  const wanted = %(wanted)s
  const errors = []
  window.addEventListener('error', e => errors.push(String(e.message)))
  window.addEventListener('unhandledrejection', e => errors.push(String(e.reason)))
  const wait = async (what) => {
    for (let i = 0; i < 200; ++i) {
      if (what()) return true
      await new Promise(done => setTimeout(done, 50))
    }
    return false
  }
  const all = (selector, in_ = document) => [...in_.querySelectorAll(selector)]
  await wait(() => all('.link-graph text.node').length > 0 && all('.feature-detail').length > 0)
  const seen = {errors, wanted}
  const nodes = all('.link-graph text.node')
  seen.nodes = nodes.map(n => [n.__data__.nodeId, n.__data__.ppClerp, n.__data__.sourceLinks.length, n.__data__.targetLinks.length])
  seen.outside = nodes.filter(n => n.__data__.pos.some(x => !isFinite(x))).map(n => n.__data__.nodeId)
  seen.words = all('.link-graph .prompt-token text').map(t => t.textContent)
  seen.answers = all('.link-graph text').map(t => t.textContent)
  seen.supernodes = all('.subgraph .supernode-container').filter(n => n.__data__.node.isSuperNode).map(n => ({
    name: n.querySelector('.node-text-container span').textContent,
    members: n.__data__.node.memberNodes.map(m => m.nodeId), circles: all('.member-circle', n).length}))
  seen.alone = all('.subgraph .supernode-container').filter(n => !n.__data__.node.isSuperNode).map(n => n.__data__.node.nodeId)
  seen.ways = all('.subgraph path.link-path').length
  const chosen = nodes.find(n => n.__data__.nodeId === wanted)
  if (chosen) {
    const r = chosen.getBoundingClientRect()
    chosen.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: r.left + r.width / 2, clientY: r.top + r.height / 2}))
    seen.loaded = await wait(() => all('.feature-detail .ctx-container').length > 2)
    seen.detail = document.querySelector('.feature-detail .header-top-row')?.textContent
    seen.examples = all('.feature-detail .feature-example-list .ctx-container').map(e => all('.token', e).map(t => t.textContent).join(''))
    seen.lit = all('.feature-detail .feature-example-list .token').filter(t => t.style.background).length
    seen.quantiles = all('.feature-detail .quantile-title').map(t => t.textContent.trim())
    seen.tokens = all('.feature-detail .feature-example-logits .token').map(t => t.textContent)
    await wait(() => all('.feature-detail .histogram-placeholder rect.bar').length > 0)
    seen.bars = all('.feature-detail .histogram-placeholder rect.bar').length
    seen.connections = all('.node-connections .feature-row .label').map(t => t.textContent)
    seen.clicked = all('.link-graph text.node.clicked').map(n => n.__data__.nodeId)
  }
  seen.asked = performance.getEntriesByType('resource').map(r => r.name)
  document.getElementById('seen').textContent = JSON.stringify(seen) + '.'
})()
</script>
"""


class Checks:
    def __init__(self):
        self.failed = 0

    def that(self, good, what, but=""):
        print(f"{'PASS' if good else 'FAIL'}  {what}{'' if good else f': {but}'}")
        self.failed += not good


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"cajal {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def add_graph(data, slug):
    graph = json.loads((data / f"{slug}.json").read_text())
    add_graph_metadata(graph["metadata"], str(data))
    return graph


def assets(folder, wanted):
    """circuit-tracer's own, with libraries of npm instead of the network's, and the script that asks."""
    shutil.copytree(str(DEFAULT_FRONTEND_DIR), folder)
    for name, files in LIBRARIES.items():
        text = "\n".join((HERE / ".venv-front-end" / "libraries" / "node_modules" / file).read_text() for file in files)
        module = files[0].endswith(".cjs")
        (folder / name).write_text(AS_PART_OF_D3 % text if module else text)
    page = (folder / "index.html").read_text()
    tags = re.findall(r"<script src='(https://[^']*)'></script>\n", page)
    for url in tags:
        name = url.rsplit("/", 1)[1]
        page = page.replace(f"<script src='{url}'></script>\n", f"<script src='./{name}'></script>\n" if name in LIBRARIES else "")
    print(f"      libraries that the page names: {', '.join(tags)}")
    (folder / "index.html").write_text(page + SCRIPT % {"wanted": json.dumps(wanted)})


def opened(address, profile):
    done = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1600,1100",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost", f"--user-data-dir={profile}", "--virtual-time-budget=60000",
         "--dump-dom", address], capture_output=True, text=True, timeout=300)
    found = re.search(r'<pre id="seen">(.*?)\.</pre>', done.stdout, re.S)
    return json.loads(html.unescape(found[1])) if found else sys.exit(f"FAIL  the page said nothing: {done.stdout[-2000:]}")


def address_of(graph):
    """As the page writes its own address; it undoes the escaping twice."""
    groups = json.dumps(graph["qParams"]["supernodes"])
    return f"http://localhost:{PORT}/index.html?" + urllib.parse.urlencode(
        {"slug": graph["metadata"]["slug"], **({"supernodes": urllib.parse.quote(groups)} if graph["qParams"]["supernodes"] else {})})


def check_graph(checks, graph, seen):
    nodes = {n["node_id"]: n for n in graph["nodes"]}
    drawn = {n[0]: n[1:] for n in seen["nodes"]}
    threshold = graph["metadata"]["node_threshold"]
    # The page's slider begins at the threshold; the node that reaches it is kept in the file, and lies just above.
    hidden = {i for i, n in nodes.items() if n["influence"] is not None and n["influence"] > threshold
              and n["feature_type"] not in ("embedding", "logit")}
    missing, more = set(nodes) - set(drawn) - hidden, set(drawn) - set(nodes)
    checks.that(not missing and not more, f"{len(drawn)} of {len(nodes)} nodes are drawn, {len(hidden)} beyond the page's threshold",
                f"missing {missing}, more {more}")
    checks.that(not seen["outside"], "every node has a place", seen["outside"])
    links = sum(e["source"] in drawn and e["target"] in drawn for e in graph["links"])
    checks.that(sum(n[2] for n in seen["nodes"]) == sum(n[3] for n in seen["nodes"]) == links, f"{links} links are read")
    named = {i: n["clerp"] for i, n in nodes.items() if n["clerp"] and i in drawn}
    wrong = {i: (drawn[i][0], label) for i, label in named.items() if not drawn[i][0].endswith(label)}
    features = [i for i in named if nodes[i]["feature_type"] == "cross layer transcoder"]
    checks.that(not wrong, f"{len(named)} labels are shown, {len(features)} of features", wrong)
    shown = [t.replace("\n", "⏎").replace("\t", "→") for t in graph["metadata"]["prompt_tokens"]]
    checks.that(seen["words"] == shown, f"the prompt's {len(shown)} tokens stand below", seen["words"])
    answers = [n["clerp"].split('"')[1] for n in nodes.values() if n["feature_type"] == "logit"]
    checks.that(all(a in seen["answers"] for a in answers), f"its answers stand above: {answers}", seen["answers"])
    checks.that(not seen["errors"], "no error in the page", seen["errors"])
    return drawn, features


def check_groups(checks, graph, seen, drawn):
    want = {(label, tuple(sorted(set(ids) & set(drawn)))) for label, *ids in graph["qParams"]["supernodes"]}
    got = {(s["name"], tuple(sorted(s["members"]))) for s in seen["supernodes"]}
    checks.that(want == got and want, f"{len(got)} supernodes are drawn with their members", f"{want ^ got}")
    checks.that(all(s["circles"] == len(s["members"]) for s in seen["supernodes"]), "a circle for each member")
    grouped = {i for _, *ids in graph["qParams"]["supernodes"] for i in ids}
    pinned = set(graph["qParams"]["pinnedIds"])
    checks.that(set(seen["alone"]) == (pinned & set(drawn)) - grouped, f"{len(seen['alone'])} pinned nodes stand alone", seen["alone"])
    checks.that(seen["ways"] > 0, f"{seen['ways']} ways between them")


def check_feature(checks, data, graph, wanted, seen):
    node = next(n for n in graph["nodes"] if n["node_id"] == wanted)
    page = json.loads((data / graph["metadata"]["scan"].removeprefix("./data/") / f"{node['feature']}.json").read_text())
    checks.that(seen["loaded"] and seen["clicked"] == [wanted], f"a click on {wanted} chooses it and loads its file", seen.get("clicked"))
    layer, feature, _ = wanted.split("_")
    checks.that(f"L{layer}/{feature}" in seen["detail"].replace("\xa0", " ") and node["clerp"] in seen["detail"],
                f"the head names it: L{layer}/{feature} {node['clerp']!r}", seen["detail"])
    examples = ["".join(e["tokens"]) for q in page["examples_quantiles"] for e in q["examples"]]
    checks.that(seen["examples"] == examples, f"{len(examples)} examples are its own", (seen["examples"][:1], examples[:1]))
    checks.that(seen["lit"] >= len(examples), f"{seen['lit']} stretches of them are lit")
    checks.that(seen["quantiles"] == [q["quantile_name"] for q in page["examples_quantiles"]], f"in groups {seen['quantiles']}")
    checks.that(seen["tokens"] == page["top_logits"] + page["bottom_logits"], f"{len(seen['tokens'])} tokens that it promotes or suppresses")
    checks.that(seen["bars"] == len(page["histogram"]), f"a histogram of {seen['bars']} bars")
    checks.that(len(seen["connections"]) > 0, f"{len(seen['connections'])} rows of what it goes by and to")


@contextlib.contextmanager
def work_folder(keep):
    if keep:
        keep.mkdir(parents=True)
        yield keep
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=TOP / "build" / "release" / "bin" / "cajal")
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for all files, kept")
    args = parser.parse_args()
    checks = Checks()
    with work_folder(args.keep) as work:
        data = work / "data"
        data.mkdir()
        run(args.bin, "features", "--front-end", data)
        run(args.bin, "explain", PROMPT, "--no-claims", "-q", "-o", data / "ideas.json")
        run(args.bin, "trace", PROMPT, "-q", "-o", data / "plain.json")
        server = None
        for slug in ("ideas", "plain"):
            graph = add_graph(data, slug)
            print(f"      {slug}.json: {len(graph['nodes'])} nodes, {len(graph['links'])} links, {len(graph['qParams']['supernodes'])} supernodes")
            features = [n for n in graph["nodes"] if n["feature_type"] == "cross layer transcoder"]
            wanted = max(features, key=lambda n: (bool(n["clerp"]), -n["influence"]))["node_id"]
            assets(work / slug, wanted)
            server = serve(str(data), frontend_dir=str(work / slug), port=PORT)
            try:
                seen = opened(address_of(graph), work / f"profile-{slug}")
            finally:
                server.stop()
            drawn, _ = check_graph(checks, graph, seen)
            if graph["qParams"]["supernodes"]:
                check_groups(checks, graph, seen, drawn)
            check_feature(checks, data, graph, wanted, seen)
            elsewhere = [a for a in seen["asked"] if not a.startswith(f"http://localhost:{PORT}/")]
            checks.that(not elsewhere, f"{len(seen['asked'])} files were asked for, all of the server", elsewhere)
    print("FAIL" if checks.failed else "PASS")
    raise SystemExit(checks.failed > 0)


if __name__ == "__main__":
    main()
