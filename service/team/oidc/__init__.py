"""Login through an OpenID Connect provider: its documents and keys, its tokens, and the users they stand for.

It needs the extra `oidc`. The API imports it only if `Settings.oidc_issuer` is set.
"""
