"""nginx: the organization's page, the control's, and that of who announces what is not its own."""

import os

import topology

_PAGES = {
    "web": ([topology.WEB4, f"[{topology.WEB6}]"], "hello from megacorp"),
    "infra": ([topology.CONTROL_WEB4], "hello from control"),
    "other": ([topology.WEB4, f"[{topology.WEB6}]"], "somebody else's page"),
}


def _configuration(folder, addresses, body):
    listen = "".join(f"        listen {address}:80;\n" for address in addresses)
    paths = "".join(f"    {kind}_temp_path {folder}/tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type text/plain; server_tokens off; keepalive_timeout 0;
{paths}    server {{
{listen}        location / {{ if (-f {folder}/broken) {{ return 500 "broken\\n"; }} return 200 "{body}\\n"; }}
    }}
}}
"""


def start(lab, node):
    folder = lab.folder(node)
    os.makedirs(f"{folder}/tmp", exist_ok=True)
    file = lab.write(node, "nginx.conf", _configuration(folder, *_PAGES[node]))
    lab.start(node, "nginx", ["/usr/sbin/nginx", "-c", file, "-e", f"{folder}/error.log"])
