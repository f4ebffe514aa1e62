"""Keys: who is let in, and as whom."""

from hashlib import sha256

from workbench.gateway.auth import OPERATOR, Keys, Principal

MASTER = "sk-wb-the-master-key-of-this-test"


def keys(**tenants: str) -> Keys:
    return Keys(MASTER, {sha256(key.encode()).hexdigest(): tenant for tenant, key in tenants.items()})


def test_the_master_key_is_taken_as_bearer_token_and_as_x_api_key():
    """OpenAI's and Anthropic's clients send their key in different headers."""
    assert keys().check({b"authorization": f"Bearer {MASTER}".encode()}) is OPERATOR
    assert keys().check({b"authorization": f"bearer {MASTER}".encode()}) is OPERATOR
    assert keys().check({b"x-api-key": MASTER.encode()}) is OPERATOR


def test_what_is_no_good_key_is_refused():
    """A missing, empty, wrong, cut or differently wrapped key lets nobody in."""
    wrong = [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Basic " + MASTER.encode()},
        {b"authorization": MASTER.encode()},
        {b"x-api-key": b""},
        {b"x-api-key": MASTER[:-1].encode()},
        {b"x-api-key": b"\xff\xfe"},
    ]
    assert [keys().check(headers) for headers in wrong] == [None] * len(wrong)


def test_a_tenants_key_is_its_tenant_and_no_operator():
    """A tenant's key says who pays and opens nothing below /internal."""
    assert keys(acme="sk-acme-1").check({b"x-api-key": b"sk-acme-1"}) == Principal("acme", operator=False)


def test_replaced_tenant_keys_are_the_only_ones():
    """After a reload, a tenant's old key is refused."""
    ring = keys(acme="sk-old")
    ring.replace_tenants({sha256(b"sk-new").hexdigest(): "acme"})
    assert ring.check({b"x-api-key": b"sk-old"}) is None
    assert ring.check({b"x-api-key": b"sk-new"}) == Principal("acme")
