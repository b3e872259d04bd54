"""Work with several accounts or servers in one program: a client for each.

    QAI_HUB_API_TOKEN=... python examples/use_tokens.py
    python examples/use_tokens.py colleague

The default client, which functions such as `hub.get_devices` use, has its token from the
environment or a file. A client that is made with a token keeps it in memory only, and there can be
one for each account. With an argument, another client reads the profile ~/.qai_hub/NAME.ini.
"""

import sys

import qai_hub as hub


def describe(client: hub.Client) -> str:
    """Returns whose token a client has, and for which server."""
    return f"{client.get_user().email} at {client.config.api_url}"


def main() -> None:
    """Makes clients in each way, and prints whose they are."""
    default = hub.Client()
    print(f"default: {describe(default)}")

    # A service would have the token from the request that it answers.
    config = hub.ClientConfig(default.config.api_token, api_url=default.config.api_url)
    with hub.Client(config) as client:
        print(f"by token: {describe(client)}, {len(client.get_job_summaries())} jobs")

    if names := sys.argv[1:]:
        with hub.Client(profile=names[0]) as client:
            print(f"profile {names[0]}: {describe(client)}")
            try:
                client.get_job("j00000000")
            except hub.UserError as error:
                print(f"  {error}")


if __name__ == "__main__":
    main()
