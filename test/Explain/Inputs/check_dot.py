"""Reads a graph by the grammar of Graphviz' DOT language, as far as dtc uses it:
quoted strings, attribute lists, subgraphs, edges; every edge joins known nodes."""
import re
import sys

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+|[{}\[\]=,;])', re.S)
text = open(sys.argv[1], encoding="utf-8").read().rstrip()
tokens, place = [], 0
while place < len(text):
    match = TOKEN.match(text, place)
    assert match, f"no token at {text[place:place + 40]!r}"
    tokens.append(match.group(1))
    place = match.end()

nodes, edges = set(), []


def take(expected=None):
    token = tokens.pop(0)
    assert expected in (None, token), f"{token} instead of {expected}"
    return token


def attributes():
    if tokens[0] != "[":
        return
    take("[")
    while tokens[0] != "]":
        take(), take("="), take()
        if tokens[0] == ",":
            take()
    take("]")


def statements():
    take("{")
    while tokens[0] != "}":
        name = take()
        if name == "subgraph":
            take()
            statements()
            continue
        if tokens[0] == "=":
            take(), take()
        elif tokens[0] == "->":
            take("->")
            edges.append((name, take()))
            attributes()
        else:
            attributes()
            nodes.add(name)
        take(";")
    take("}")


take("digraph"), take()
statements()
assert not tokens, f"behind the graph: {tokens[:5]}"
for edge in edges:
    assert set(edge) <= nodes, f"{edge} joins what is no node"
assert edges
