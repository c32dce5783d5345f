#!/usr/bin/env python3
"""Maslin's Model Context Protocol server, used through the official `mcp` package.

    mcp_client.py MASLIN [URL TOKEN]

MASLIN is the executable; its `mcp` command is used over standard streams. With URL (that of a running `maslin serve`,
without a path) and TOKEN the same is done over streamable HTTP at URL/mcp. Needs the packages mcp and httpx2.
"""

import asyncio, contextlib, json, os, subprocess, sys, tempfile

import httpx2
import mcp_types as types
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

VAULT = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

contract Vault {
    mapping(address => uint256) public balanceOf;

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
    }

    function withdraw() external {
        uint256 amount = balanceOf[msg.sender];
        (bool sent, ) = msg.sender.call{value: amount}("");
        require(sent, "refused");
        balanceOf[msg.sender] = 0;
    }
}
"""

FIRST = "pragma solidity 0.8.28; contract Token { uint256 a; address b; }"
SECOND = "pragma solidity 0.8.28; contract Token { address b; uint256 a; }"


def text(result):
    return "\n".join(block.text for block in result.content)


async def tools(client, reads_files):
    """Everything the tools promise. The package itself checks structured results against the output schemas."""
    listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == ["audit", "layout", "upgrade_check"], listed
    assert listed.next_cursor is None
    for tool in listed.tools:
        assert tool.description and tool.input_schema["type"] == "object" and tool.output_schema
        assert tool.annotations.read_only_hint is True and tool.annotations.open_world_hint is False

    progress = []

    async def note(done, total, message):
        progress.append((done, total))

    audit = await client.call_tool(
        "audit", {"source": VAULT, "name": "Vault.sol"}, progress_callback=note)
    assert not audit.is_error, text(audit)
    found = audit.structured_content["findings"]
    reentrancy = next(finding for finding in found if finding["rule"] == "reentrancy-state")
    assert (reentrancy["file"], reentrancy["line"]) == ("Vault.sol", 13), reentrancy
    assert reentrancy["severity"] == "high" and isinstance(reentrancy["evidence"], list), reentrancy
    assert "reentrancy-state at Vault.sol:13" in text(audit)
    assert audit.structured_content["counts"]["high"] >= 1
    assert progress and progress[-1][0] == progress[-1][1], progress

    few = await client.call_tool(
        "audit", {"source": VAULT, "severity": "high", "limit": 1, "format": "json"})
    assert few.structured_content["shown"] == 1
    assert json.loads(text(few)) == few.structured_content

    several = await client.call_tool(
        "audit", {"files": {"a/A.sol": 'import "../b/B.sol"; contract A is B {}', "b/B.sol": "contract B {}"}})
    assert several.structured_content["files"] == 2, several.structured_content
    assert not several.structured_content["notes"], several.structured_content

    layout = await client.call_tool("layout", {"source": FIRST, "contract": "Token"})
    storage = layout.structured_content["contracts"][0]["storage"]
    assert [(entry["label"], entry["slot"]) for entry in storage] == [("a", "0"), ("b", "1")], storage
    upgrade = await client.call_tool("upgrade_check", {"old_source": FIRST, "new_source": SECOND})
    assert upgrade.structured_content["safe"] is False and "UNSAFE" in text(upgrade)
    same = await client.call_tool("upgrade_check", {"old_source": FIRST, "new_source": FIRST})
    assert same.structured_content["safe"] is True, same.structured_content

    # Several calls at once.
    together = await asyncio.gather(
        *(client.call_tool("audit", {"source": VAULT, "name": f"V{n}.sol"}) for n in range(6)))
    for number, result in enumerate(together):
        assert {finding["file"] for finding in result.structured_content["findings"]} == {f"V{number}.sol"}

    # Mistakes that the model can put right are results; a tool that is not there is an error.
    for name, arguments, part in [
        ("audit", {}, "exactly one of"),
        ("audit", {"source": VAULT, "colour": "red"}, "no argument 'colour'"),
        ("audit", {"source": VAULT, "limit": 0}, "from 1 to 1000"),
        ("audit", {"source": VAULT, "rules": ["no-such-rule"]}, "no rule or category"),
        ("audit", {"source": VAULT, "contract": "Nowhere"}, "no contract 'Nowhere'"),
        ("audit", {"source": VAULT, "name": "../Vault.sol"}, "no name for a source"),
        ("layout", {"path": "/etc"}, "lies outside" if reads_files else "reads no files"),
        ("upgrade_check", {"old_source": FIRST}, "exactly one of"),
    ]:
        result = await client.call_tool(name, arguments)
        assert result.is_error and part in text(result), (name, arguments, text(result))
    try:
        await client.call_tool("shell", {})
        raise AssertionError("a tool that is not there was called")
    except MCPError as error:
        assert error.code == types.INVALID_PARAMS, error
    try:
        await client.list_tools(cursor="elsewhere")
        raise AssertionError("a cursor that was never given out was taken")
    except MCPError as error:
        assert error.code == types.INVALID_PARAMS, error


async def files(client, folder):
    """Paths: what may be read, and what may not."""
    vault = await client.call_tool("audit", {"path": "src/Vault.sol"})
    assert {finding["file"] for finding in vault.structured_content["findings"]} == {"src/Vault.sol"}
    everything = await client.call_tool("audit", {"path": "."})
    # The link out of the directory is not followed.
    assert everything.structured_content["files"] == 2, everything.structured_content
    escaping = everything.structured_content["notes"]
    assert any("outside" in note or "Secret" in note for note in escaping), escaping
    assert "SECRET" not in json.dumps(everything.structured_content)
    layout = await client.call_tool("layout", {"path": "src/Vault.sol:Vault"})
    assert layout.structured_content["total"] == 1
    for path in ["../Secret.sol", "link.sol", "linked/Secret.sol", "/etc/passwd", "src/../../Secret.sol",
                 os.path.join(os.path.dirname(folder), "Secret.sol")]:
        for name, arguments in [("audit", {"path": path}), ("layout", {"path": path}),
                                ("upgrade_check", {"old": path, "new": "src/Vault.sol"})]:
            result = await client.call_tool(name, arguments)
            assert result.is_error and "lies outside" in text(result), (path, text(result))
    missing = await client.call_tool("audit", {"path": "src/Nothing.sol"})
    assert missing.is_error and "no such file" in text(missing), text(missing)


async def cancellation(client):
    """A call that is given up after it began ends, and the connection goes on."""
    large = {f"C{n}.sol": VAULT.replace("Vault", f"Vault{n}") for n in range(250)}
    begun = asyncio.Event()

    async def note(done, total, message):
        begun.set()

    call = asyncio.create_task(
        client.call_tool("audit", {"files": large}, progress_callback=note))
    await asyncio.wait_for(begun.wait(), 60)
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    assert call.cancelled()
    after = await client.call_tool("audit", {"source": VAULT})
    assert after.structured_content["total"] >= 1


def workspace():
    """A directory to serve, beside a file that must not be read."""
    top = os.path.realpath(tempfile.mkdtemp(prefix="maslin-mcp-"))
    folder = os.path.join(top, "project")
    os.makedirs(os.path.join(folder, "src"))
    with open(os.path.join(top, "Secret.sol"), "w") as file:
        file.write("contract SECRET { uint256 secret; }")
    with open(os.path.join(folder, "src", "Vault.sol"), "w") as file:
        file.write(VAULT)
    with open(os.path.join(folder, "src", "Curious.sol"), "w") as file:
        file.write('import "../../Secret.sol"; contract Curious is SECRET {}')
    os.symlink(os.path.join(top, "Secret.sol"), os.path.join(folder, "link.sol"))
    os.symlink(top, os.path.join(folder, "linked"))
    return folder


def raw(maslin, lines, folder):
    """What the server answers to lines, without any client."""
    done = subprocess.run(
        [maslin, "mcp"], input="".join(line + "\n" for line in lines), cwd=folder, capture_output=True,
        text=True, timeout=60)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def older_revisions(maslin, folder):
    """Every revision that begins with a handshake; the package itself speaks only the last of them."""
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]:
        answers = raw(maslin, [
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}}),
            json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json.dumps({"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {
                "name": "layout", "arguments": {"source": FIRST}}}),
            "not json"], folder)
        assert answers[0]["result"]["protocolVersion"] == version
        by_id = {answer["id"]: answer for answer in answers}
        assert by_id[None]["error"]["code"] == -32700
        assert ("structuredContent" in by_id["two"]["result"]) == (version >= "2025-06-18")


async def over_stdio(maslin):
    folder = workspace()
    older_revisions(maslin, folder)
    for mode in ["auto", "legacy"]:
        server = StdioServerParameters(command=maslin, args=["mcp"], cwd=folder)
        async with Client(server, mode=mode) as client:
            expected = "2026-07-28" if mode == "auto" else "2025-11-25"
            assert client.protocol_version == expected, client.protocol_version
            assert client.server_info.name == "maslin" and client.instructions
            await tools(client, reads_files=True)
            await files(client, folder)
            await cancellation(client)
        print(f"stdio, {expected}: ok")


async def over_http(url, token):
    # Without the token nothing is answered.
    async with httpx2.AsyncClient() as http:
        refused = await http.post(url + "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert refused.status_code == 401, refused.status_code
    for mode in ["auto", "legacy"]:
        async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as http:
            transport = streamable_http_client(url + "/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                expected = "2026-07-28" if mode == "auto" else "2025-11-25"
                assert client.protocol_version == expected, client.protocol_version
                await tools(client, reads_files=False)
                await cancellation(client)
        print(f"streamable HTTP, {expected}: ok")


async def main():
    maslin = os.path.abspath(sys.argv[1])
    await over_stdio(maslin)
    if len(sys.argv) > 3:
        await over_http(sys.argv[2].rstrip("/"), sys.argv[3])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    asyncio.run(main())
