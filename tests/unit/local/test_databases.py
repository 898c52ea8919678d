"""How a role reaches its database, on a server that is known by another URL."""

from local import databases


def test_the_url_of_another_database_keeps_the_server_and_its_options() -> None:
    url = databases.url(
        "postgresql://postgres:secret@db.example:5432/postgres?ssl=require", name="house", role="tenant", password="own"
    )

    assert url == "postgresql://tenant:own@db.example:5432/house?ssl=require"
