#!/usr/bin/env python3
"""What a client that is not ours sees of a VPP: the scenario below through vpp_papi.

    papi.py RELEASE DEFINITIONS SOCKET

DEFINITIONS is the release's folder of api-json/. Exits with 1 at the first thing that is not as it should be.
"""

import glob
import ipaddress
import json
import os
import queue
import socket
import sys
import tempfile
import threading

import vpp_papi
from vpp_papi import vpp_transport_socket

RELEASE, DEFINITIONS, SOCKET = sys.argv[1:4]
# Before it, VPP keeps the borders of packets, which vpp_papi does not expect.
PACKETS_UNTIL = "19.08"


def check(what, ours, expected):
    if ours != expected:
        sys.exit(f"{RELEASE}: {what}: {ours!r} where {expected!r} was expected")


def merged(folder):
    """All definitions as one file: vpp_papi wants each file to hold every type that it uses."""
    whole = {}
    for path in sorted(glob.glob(folder + "/**/*.api.json", recursive=True)):
        with open(path, encoding="utf-8") as file:
            for key, value in json.load(file).items():
                if isinstance(value, list):
                    whole.setdefault(key, []).extend(value)
                elif isinstance(value, dict):
                    whole.setdefault(key, {}).update(value)
    path = os.path.join(tempfile.mkdtemp(), "all.api.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file)
    return path


def as_stream(path):
    """A stream socket in front of one that keeps packets."""
    front = os.path.join(tempfile.mkdtemp(), "api.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(front)
    listener.listen(1)

    def copy(source, sink):
        while True:
            data = source.recv(4096)
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)

    def serve():
        stream, _ = listener.accept()
        packets = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        packets.connect(path)
        threading.Thread(target=copy, args=(packets, stream), daemon=True).start()
        copy(stream, packets)

    threading.Thread(target=serve, daemon=True).start()
    return front


def plain(text):
    """Text that elder releases give as bytes."""
    return text.rstrip(b"\0").decode() if isinstance(text, bytes) else text.rstrip("\0")


def message_index(transport, name):
    table = {plain(key): index for key, index in transport.message_table.items()}
    return table.get(name, 0)


def connect():
    # The names in the message table of elder releases are bytes with what they are padded with.
    transport = vpp_transport_socket.VppTransport
    transport.get_msg_index = message_index
    path = as_stream(SOCKET) if RELEASE < PACKETS_UNTIL else SOCKET
    vpp = vpp_papi.VPPApiClient(apifiles=[merged(DEFINITIONS)], server_address=path, read_timeout=10)
    name = "foreign" if takes_text(vpp, "sockclnt_create", "name") else b"foreign"
    check("connect", vpp.connect(name), 0)
    return vpp


def has(vpp, message, field):
    return field in vpp.messages[message].fields


def takes_text(vpp, message, field):
    definition = vpp.messages[message]
    return definition.fieldtypes[definition.fields.index(field)] == "string"


def address(vpp, text):
    """An address for a field that is either 16 bytes or typed."""
    packed = ipaddress.ip_address(text).packed
    return packed + bytes(16 - len(packed))


def route(vpp, index):
    if "ip_route_add_del" in vpp.messages:
        path = {"sw_if_index": index, "weight": 1, "proto": 0, "nh": {"address": {"ip4": "10.1.1.9"}}, "n_labels": 0,
                "label_stack": [{}] * 16}
        net = {"address": {"af": 0, "un": {"ip4": "10.9.0.0"}}, "len": 16}
        if not has_len(vpp):
            net = {"address": net["address"], "address_length": 16}
        wanted = {"table_id": 0, "prefix": net, "n_paths": 1, "paths": [path]}
        return vpp.api.ip_route_add_del(is_add=1, is_multipath=0, route=wanted)
    return vpp.api.ip_add_del_route(
        is_add=1, table_id=0, next_hop_sw_if_index=index, next_hop_weight=1, dst_address_length=16,
        next_hop_proto=0, classify_table_index=0xFFFFFFFF, next_hop_via_label=0xFFFFF + 1,
        dst_address=address(vpp, "10.9.0.0"), next_hop_address=address(vpp, "10.1.1.9"))


def has_len(vpp):
    return "len" in vpp.get_type("vl_api_prefix_t").fields


def has_route(vpp):
    if "ip_route_dump" in vpp.messages:
        details = vpp.api.ip_route_dump(table={"table_id": 0, "is_ip6": False})
        return any(str(d.route.prefix) == "10.9.0.0/16" and d.route.paths[0].sw_if_index == 1 for d in details)
    details = vpp.api.ip_fib_dump()
    return any(d.address == bytes([10, 9, 0, 0]) and d.address_length == 16 and d.path[0].sw_if_index == 1
               for d in details)


def acl_rule(vpp):
    rule = {"is_permit": 1, "proto": 6, "srcport_or_icmptype_last": 65535, "dstport_or_icmpcode_first": 80,
            "dstport_or_icmpcode_last": 80}
    if "src_prefix" in vpp.get_type("vl_api_acl_rule_t").fields:
        net = {"address": {"af": 0, "un": {"ip4": "10.0.0.0"}}, "len": 8}
        return rule | {"src_prefix": net, "dst_prefix": net}
    return rule | {"src_ip_addr": address(vpp, "10.0.0.0"), "src_ip_prefix_len": 8,
                   "dst_ip_addr": address(vpp, "10.0.0.0"), "dst_ip_prefix_len": 8}


def main():
    vpp = connect()
    events = queue.Queue()
    vpp.register_event_callback(lambda name, event: events.put((name, event)))

    version = vpp.api.show_version()
    check("version", plain(version.version).startswith(RELEASE), True)

    check("events", vpp.api.want_interface_events(enable_disable=1, pid=os.getpid()).retval, 0)
    index = vpp.api.create_loopback().sw_if_index
    check("sw_if_index", index, 1)
    flags = "admin_up_down" if has(vpp, "sw_interface_set_flags", "admin_up_down") else "flags"
    check("up", vpp.api.sw_interface_set_flags(sw_if_index=index, **{flags: 1}).retval, 0)
    while True:
        name, event = events.get(timeout=10)
        up = getattr(event, flags)
        if name == "sw_interface_event" and event.sw_if_index == index and int(up) & 1:
            break

    if has(vpp, "sw_interface_add_del_address", "prefix"):
        added = vpp.api.sw_interface_add_del_address(sw_if_index=index, is_add=1, prefix="10.1.1.1/24")
    else:
        added = vpp.api.sw_interface_add_del_address(
            sw_if_index=index, is_add=1, address_length=24, address=address(vpp, "10.1.1.1"))
    check("address", added.retval, 0)
    addresses = vpp.api.ip_address_dump(sw_if_index=index, is_ipv6=0)
    check("addresses", len(addresses), 1)
    shown = addresses[0].prefix if hasattr(addresses[0], "prefix") else addresses[0].ip
    check("address shown", str(shown) == "10.1.1.1/24" or shown[:4] == bytes([10, 1, 1, 1]), True)

    everything = {"sw_if_index": 0xFFFFFFFF} if has(vpp, "sw_interface_dump", "sw_if_index") else {}
    interfaces = {i.sw_if_index: plain(i.interface_name) for i in vpp.api.sw_interface_dump(**everything)}
    check("interfaces", interfaces, {0: "local0", 1: "loop0"})

    check("second loopback", vpp.api.create_loopback().sw_if_index, 2)
    domain = {"bd_id": 7, "flood": 1, "uu_flood": 1, "forward": 1, "learn": 1, "is_add": 1}
    check("bridge domain", vpp.api.bridge_domain_add_del(**domain).retval, 0)
    check("port", vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=2, bd_id=7, enable=1).retval, 0)
    mac = bytes([2, 0, 0, 0, 0, 9])
    entry = {"mac": mac, "bd_id": 7, "sw_if_index": 2, "is_add": 1, "static_mac": 1}
    check("entry", vpp.api.l2fib_add_del(**entry).retval, 0)
    entries = vpp.api.l2_fib_table_dump(bd_id=7)
    seen = [(bytes(e.mac.packed if hasattr(e.mac, "packed") else e.mac), e.sw_if_index) for e in entries]
    check("entries", seen, [(mac, 2)])
    everywhere = {"sw_if_index": 0xFFFFFFFF} if has(vpp, "bridge_domain_dump", "sw_if_index") else {}
    domains = vpp.api.bridge_domain_dump(bd_id=7, **everywhere)
    check("ports", [p.sw_if_index for p in domains[0].sw_if_details], [2])

    check("route", route(vpp, index).retval, 0)
    check("route shown", has_route(vpp), True)

    tag = "web" if takes_text(vpp, "acl_add_replace", "tag") else b"web"
    acl = vpp.api.acl_add_replace(acl_index=0xFFFFFFFF, tag=tag, count=1, r=[acl_rule(vpp)])
    check("ACL", (acl.retval, acl.acl_index), (0, 0))
    acls = vpp.api.acl_dump(acl_index=0xFFFFFFFF)
    check("ACLs", [(plain(a.tag), len(a.r), a.r[0].dstport_or_icmpcode_first) for a in acls], [("web", 1, 80)])

    vpp.disconnect()
    print(f"{RELEASE}: as it should be")


main()
