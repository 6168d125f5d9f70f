"""Every client that is run: one row each. What its users must know stands in README.md."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Client:
    """One library, in one dialect.

    `reach`: "base" where its users can give it an address, "tls" where it knows only the vendors' hosts.
    `settings`: what its users must set on the server. `known`: steps that fail by a fault of the library itself, with
    the fault; they fail against the vendor too.
    """

    name: str
    dialect: str
    kind: str
    script: str
    reach: str
    packages: tuple = ()
    arguments: tuple = ()
    settings: dict = field(default_factory=dict)
    known: dict = field(default_factory=dict)


CLIENTS = [
    Client("pywa", "graph", "python", "pywa_sync.py", "tls", ("pywa==4.5.0",)),
    Client("pywa-async", "graph", "python", "pywa_async_client.py", "tls", ("pywa==4.5.0",)),
    Client("heyoo", "graph", "python", "heyoo_client.py", "base", ("heyoo==0.1.2",)),
    Client("whatsapp-python", "graph", "python", "whatsapp_python.py", "tls", ("whatsapp-python==4.3.0",)),
    Client(
        "whatsapp-python-async",
        "graph",
        "python",
        "whatsapp_python_async.py",
        "tls",
        ("whatsapp-python==4.3.0",),
    ),
    Client(
        "whatsapp-cloud-api.py",
        "graph",
        "python",
        "cloud_api_py.py",
        "tls",
        ("whatsapp-cloud-api==0.0.4", "requests==2.34.2"),
    ),
    Client(
        "whatsapp-cloud-api-client",
        "graph",
        "python",
        "cloud_api_client.py",
        "base",
        ("whatsapp-cloud-api-client==0.2.1",),
    ),
    Client(
        "whatsapp-cloud-api-client-async",
        "graph",
        "python",
        "cloud_api_client_async.py",
        "base",
        ("whatsapp-cloud-api-client==0.2.1",),
    ),
    Client("wa-cloud-py", "graph", "python", "wa_cloud_py_client.py", "base", ("wa-cloud-py==0.2.0",)),
    Client("waclient", "graph", "python", "waclient_client.py", "base", ("waclient==0.1.12",)),
    Client("whatsapp-python-sdk", "graph", "python", "python_sdk.py", "tls", ("whatsapp-python-sdk==1.0.0",)),
    Client("requests", "graph", "python", "raw_requests.py", "base", ("requests==2.34.2",), ("graph",)),
    Client("requests-d360", "d360", "python", "raw_requests.py", "base", ("requests==2.34.2",), ("d360",)),
    Client("httpx", "d360", "python", "raw_httpx.py", "base", ("httpx==0.28.1",)),
    Client("aiohttp", "d360", "python", "raw_aiohttp.py", "base", ("aiohttp==3.14.5",)),
    Client("whatsapp-api-js", "graph", "node", "whatsapp-api-js.mjs", "tls"),
    Client("@great-detail/whatsapp", "graph", "node", "great-detail.mjs", "base"),
    Client("@kapso/whatsapp-cloud-api", "graph", "node", "kapso.mjs", "base"),
    Client(
        "@kapso/whatsapp-cloud-api-bytes",
        "graph",
        "node",
        "kapso-bytes.mjs",
        "base",
        settings={"WAMEDIA_UPLOAD_TYPE_FROM": "either"},
    ),
    Client("ws-cloud-api", "graph", "node", "ws-cloud-api.mjs", "tls"),
    Client("whatsapp-business", "graph", "node", "whatsapp-business.mjs", "tls"),
    Client("whatsappcloudapi_wrapper", "graph", "node", "whatsappcloudapi-wrapper.mjs", "tls"),
    Client("whatsapp-business-api", "graph", "node", "whatsapp-business-api.mjs", "tls"),
    Client("got", "graph", "node", "raw-got.mjs", "base"),
    Client("node-fetch", "graph", "node", "raw-node-fetch.mjs", "base"),
    Client("axios", "d360", "node", "raw-axios.mjs", "base"),
    Client("fetch-undici", "d360", "node", "raw-fetch.mjs", "base"),
    Client(
        "wacloudapi",
        "graph",
        "rust",
        "rust_clients.py",
        "base",
        arguments=("wacloudapi",),
        known={"download": "sends an empty credential with its download, to the vendor too"},
    ),
    Client(
        "whatsapp-business-rs",
        "graph",
        "rust",
        "rust_clients.py",
        "base",
        arguments=("whatsapp-business-rs",),
    ),
    Client("curl", "graph", "python", "curl.py", "tls", arguments=("graph",)),
    Client("curl-d360", "d360", "python", "curl.py", "tls", arguments=("d360",)),
    Client("go-net-http", "graph", "go", "by_command.py", "base", arguments=("graph",)),
    Client("go-net-http-d360", "d360", "go", "by_command.py", "base", arguments=("d360",)),
    Client("java-HttpClient", "graph", "java", "by_command.py", "base", arguments=("graph",)),
    Client("java-HttpClient-d360", "d360", "java", "by_command.py", "base", arguments=("d360",)),
    Client("php-curl", "graph", "php", "by_command.py", "base", arguments=("graph",)),
    Client("php-curl-d360", "d360", "php", "by_command.py", "base", arguments=("d360",)),
    Client("wire:netflie (PHP)", "graph", "python", "replay.py", "base", arguments=("netflie",)),
    Client(
        "wire:onetech-360dialog (PHP)",
        "d360",
        "python",
        "replay.py",
        "base",
        arguments=("onetech-360dialog",),
    ),
    Client("wire:WABA360Dialog.NET", "d360", "python", "replay.py", "base", arguments=("WABA360Dialog.NET",)),
    Client(
        "wire:whatsapp-business-java-api",
        "graph",
        "python",
        "replay.py",
        "base",
        arguments=("whatsapp-business-java-api",),
    ),
    Client(
        "wire:ruby_whatsapp_sdk", "graph", "python", "replay.py", "base", arguments=("ruby_whatsapp_sdk",)
    ),
    Client("wire:dio (Dart)", "graph", "python", "replay.py", "base", arguments=("dio",)),
]

NODE_MODULES = [
    "whatsapp-api-js@6.3.0",
    "@great-detail/whatsapp@8.4.0",
    "@kapso/whatsapp-cloud-api@0.3.0",
    "ws-cloud-api@0.11.0-alpha",
    "whatsapp-business@1.7.2",
    "whatsappcloudapi_wrapper@1.0.16",
    "whatsapp-business-api@0.0.4",
    "axios@1.21.1",
    "form-data@4.0.6",
    "got@14.6.6",
    "node-fetch@2.7.0",
]
