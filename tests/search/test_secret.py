import pytest

from nightsweep.search.secret import Secrets


def hidden(text: str, **environ: str) -> str:
    return Secrets.of(environ).hide(text)


@pytest.mark.parametrize(
    "name",
    [
        "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "PGPASSWORD", "MYSQL_PWD", "DB_PASS",
        "GITHUB_TOKENS", "apiKey", "SSH_PASSPHRASE", "AZURE_CREDENTIALS", "RAY_AUTH_TOKEN_PATH",
    ],
)  # fmt: skip
def test_a_variable_whose_name_says_so_is_secret(name: str) -> None:
    assert hidden("401 for s3cr3t-0815!", **{name: "s3cr3t-0815"}) == "401 for ***!"


@pytest.mark.parametrize(
    "name", ["PWD", "OLDPWD", "HOME", "TOKENIZERS_PARALLELISM", "PASSAGE", "KEYBOARD", "PATH"]
)
def test_other_variables_are_shown(name: str) -> None:
    assert hidden("in /home/ann/work", **{name: "/home/ann/work"}) == "in /home/ann/work"


def test_values_that_are_short_or_empty_are_shown() -> None:
    assert hidden("a yes and 12345", A_KEY="yes", B_KEY="12345", C_KEY="") == "a yes and 12345"


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    assert hidden("abcdef, abcdefghi", A_TOKEN="abcdef", B_TOKEN="abcdefghi") == "***, ***"


def test_signs_that_mean_something_in_patterns_are_only_signs() -> None:
    assert hidden("a.b*c+(d, axbxcxd", A_KEY="a.b*c+(d") == "***, axbxcxd"


def test_each_line_of_a_secret_of_many_lines_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END KEY-----\n"
    assert hidden(key, SSH_KEY=key) == "***\n"
    assert hidden("in line MIIEvQIBADANBg", SSH_KEY=key) == "in line ***"
    assert hidden(f"ValueError: {key!r}", SSH_KEY=key) == "ValueError: '***'"


def test_the_password_of_an_address_in_any_variable_is_secret() -> None:
    address = "postgres://ann:hun%40ter22@db.example/x"
    assert hidden("wrong: hun@ter22", DATABASE_URL=address) == "wrong: ***"
    assert hidden("wrong: hun%40ter22", DATABASE_URL=address) == "wrong: ***"
    assert hidden("ann may not", DATABASE_URL=address) == "ann may not"


def test_the_login_of_every_address_is_hidden_whoever_set_it() -> None:
    assert hidden("no https://ann:pw@example.org/a") == "no https://***@example.org/a"
    assert hidden("no https://ghp_0815@example.org") == "no https://***@example.org"
    assert hidden("see https://example.org/@ann") == "see https://example.org/@ann"


def test_without_secrets_text_stays_as_it_is() -> None:
    assert hidden("raised ValueError: 3", HOME="/root") == "raised ValueError: 3"
