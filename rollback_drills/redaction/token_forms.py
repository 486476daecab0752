"""Forms of tokens that show what they are, each with its issuer and the page that describes it."""

from typing import Final

from rollback_drills.redaction.common_forms import COMMON_FORMS
from rollback_drills.redaction.token_form import TokenForm

_GITLEAKS: Final = "https://github.com/gitleaks/gitleaks/blob/b58d3f1/config/gitleaks.toml"
_TRUFFLEHOG: Final = "https://github.com/trufflesecurity/trufflehog/tree/c267684/pkg/detectors"
_GITHUB: Final = (
    "https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns"
)

# A body has the smallest length that no ordinary text has, so that a token that was cut off is found too.
_ISSUERS: Final = (
    TokenForm("1Password", r"ops_eyJ", r"[\w+/=-]{20,}", _GITLEAKS),
    TokenForm("1Password", r"A3-[A-Z0-9]{6}-", r"[A-Z0-9-]{16,}", _GITLEAKS, r"A3-[A-Z0-9]"),
    TokenForm("Adobe", r"p8e-", r"[a-z0-9]{32,}", _GITLEAKS),
    TokenForm("Airtable", r"pat[A-Za-z0-9]{14}\.", r"[a-f0-9]{20,}", _GITLEAKS, r"pat[A-Za-z0-9]{8}"),
    TokenForm("Alibaba Cloud", r"LTAI", r"[A-Za-z0-9]{12,}", _GITLEAKS),
    TokenForm("Anthropic", r"sk-ant-", r"[\w-]{10,}", _GITLEAKS),
    TokenForm("Artifactory", r"AKCp", r"[A-Za-z0-9]{40,}", _GITLEAKS),
    TokenForm("Artifactory", r"cmVmd", r"[A-Za-z0-9]{40,}", _GITLEAKS),
    TokenForm(
        "Asana",
        r"[12]/[0-9]{12,20}(?:/[0-9]{12,20})?:",
        r"[a-f0-9]{32}",
        "https://developers.asana.com/docs/personal-access-token",
        r"[0-9]{12}:[a-f0-9]{8}",
    ),
    TokenForm("Atlassian", r"AT(?:ATT|CTT)", r"[\w=-]{16,}", _GITLEAKS),
    TokenForm("Atlassian", r"ATBB", r"[A-Za-z0-9]{20,}", _GITHUB),
    TokenForm(
        "AWS",
        r"(?:AKIA|ASIA|ABIA|ACCA)",
        r"[A-Z0-9]{12,}",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
    ),
    TokenForm("AWS", r"ABSK", r"[A-Za-z0-9+/=]{40,}", _GITLEAKS),
    TokenForm("AWS", r"amzn\.mws\.", r"[a-f0-9]{8}-[a-f0-9-]{20,}", _GITHUB),
    TokenForm("Azure", r"[\w~.]{3}[0-9]Q~", r"[\w~.-]{20,}", _GITLEAKS, r"[0-9]Q~"),
    TokenForm(
        "Bitwarden",
        r"0\.[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}\.",
        r"[A-Za-z0-9]{20,}",
        "https://bitwarden.com/help/access-tokens/",
        r"\b0\.[a-f0-9]{8}-",
    ),
    TokenForm("Brevo", r"x(?:keysib|smtpsib)-", r"[a-f0-9]{20,}[\w-]*", _GITLEAKS),
    TokenForm("Buildkite", r"bk[a-z]{1,3}_", r"[a-f0-9]{40}", _GITHUB),
    TokenForm("Cerebras", r"csk-", r"[a-z0-9]{40,}", _TRUFFLEHOG, r"csk-[a-z0-9]{16}"),
    TokenForm("CircleCI", r"CCI(?:PAT|PRJ)_", r"\w{20,}", _GITHUB),
    TokenForm("ClickHouse", r"4b1d", r"[A-Za-z0-9]{38}", _GITLEAKS, r"4b1d[A-Za-z0-9]{16}"),
    TokenForm("Clojars", r"CLOJARS_", r"[A-Za-z0-9]{40,}", _GITLEAKS),
    TokenForm("Cloudflare", r"v1\.0-[a-f0-9]{24}-", r"[a-f0-9]{40,}", _GITLEAKS, r"v1\.0-[a-f0-9]"),
    TokenForm("Contentful", r"CFPAT-", r"[\w-]{20,}", _GITHUB),
    TokenForm(
        "Databricks",
        r"(?:dapi|dose|dkea)",
        r"[a-f0-9]{32}(?:-[0-9])?",
        "https://docs.gitguardian.com/secrets-detection/secrets-detection-engine/detectors/specifics/databricks_authentication_token",
    ),
    TokenForm(
        "DigitalOcean",
        r"do[oprs]_v1_",
        r"[a-f0-9]{16,}",
        "https://docs.digitalocean.com/notes/2022/api-token-format",
    ),
    TokenForm(
        "DingTalk",
        r"SEC",
        r"[a-f0-9]{64}",
        "https://open.dingtalk.com/document/robots/customize-robot-security-settings",
    ),
    TokenForm(
        "Discord", r"[MNO][A-Za-z0-9]{23,27}\.[\w-]{6}\.", r"[\w-]{27,}", _GITHUB, r"\.[\w-]{6}\.[\w-]{8}"
    ),
    TokenForm("Docker", r"dckr_(?:pat|oat)_", r"[\w-]{10,}", _GITHUB),
    TokenForm("Doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"[\w.-]{20,}", _GITLEAKS),
    TokenForm("Duffel", r"duffel_(?:test|live)_", r"[\w=-]{20,}", _GITLEAKS),
    TokenForm("Dynatrace", r"dt0[a-z][0-9]{2}\.", r"[A-Z0-9]{20,}(?:\.[A-Z0-9]+)?", _GITLEAKS),
    TokenForm("EasyPost", r"EZ[AT]K", r"[A-Za-z0-9]{40,}", _GITLEAKS),
    TokenForm("ElevenLabs", r"sk_", r"[a-f0-9]{40,}", _TRUFFLEHOG, r"sk_[a-f0-9]{16}"),
    TokenForm("Facebook", r"EAA[A-Z]", r"[A-Za-z0-9]{40,}", _GITLEAKS),
    TokenForm("Figma", r"fig[dpour]{1,2}_", r"[\w-]{20,}", _GITHUB),
    TokenForm("Firecrawl", r"fc-", r"[a-f0-9]{32}", _TRUFFLEHOG, r"fc-[a-f0-9]{16}"),
    TokenForm("Fireworks", r"fw_", r"[A-Za-z0-9]{22,}", _TRUFFLEHOG, r"fw_[A-Za-z0-9]{16}"),
    TokenForm("Flutterwave", r"FLWSECK(?:_TEST)?-", r"[\w-]{20,}", _TRUFFLEHOG),
    TokenForm("Fly.io", r"f(?:o1|m1[ar]|m2)_", r"[\w+/=-]{30,}", _GITLEAKS),
    TokenForm("Frame.io", r"fio-u-", r"[\w=-]{40,}", _GITLEAKS),
    TokenForm(
        "GitHub",
        r"gh[a-z]_",
        r"\w{10,}",
        "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
    ),
    TokenForm("GitHub", r"github_pat_", r"\w{10,}", _GITLEAKS),
    TokenForm(
        "GitLab",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|ffct|oas|wt)-",
        r"[\w.-]{10,}",
        "https://docs.gitlab.com/security/tokens/#token-prefixes",
    ),
    TokenForm("GitLab", r"GR1348941", r"[\w-]{16,}", _GITLEAKS),
    TokenForm("Google", r"AIza", r"[\w-]{30,}", _GITLEAKS),
    TokenForm("Google", r"GOCSPX-", r"[\w-]{20,}", _GITHUB),
    TokenForm("Google", r"ya29\.", r"[\w-]{20,}", _GITHUB),
    TokenForm("Google", r"1//0", r"[\w-]{30,}", _GITHUB),
    TokenForm("Grafana", r"gl(?:sa|c)_", r"[\w+/=-]{20,}", _GITLEAKS),
    TokenForm("Harness", r"[ps]at\.[\w-]{22}\.", r"[A-Za-z0-9]{20,}(?:\.[A-Za-z0-9]+)?", _GITLEAKS),
    TokenForm(
        "HashiCorp Vault",
        r"hv[sbr]\.",
        r"[\w-]{16,}",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens",
    ),
    TokenForm("HashiCorp Vault", r"[sbr]\.", r"[A-Za-z0-9]{24}", _GITLEAKS, r"[sbr]\.[A-Za-z0-9]{12}"),
    TokenForm("HCP Terraform", r"[A-Za-z0-9]{14}\.atlasv1\.", r"[\w=-]{20,}", _GITLEAKS, r"\.atlasv1\."),
    TokenForm("Heroku", r"HRKU-", r"[\w-]{20,}", _GITLEAKS),
    TokenForm("Honeycomb", r"hc[a-z]ik_", r"[a-z0-9]{20,}", _TRUFFLEHOG),
    TokenForm(
        "HubSpot",
        r"pat-(?:ap|eu|na)[0-9]-",
        r"[a-f0-9]{8}-[a-f0-9-]{20,}",
        "https://developers.hubspot.com/docs/api/private-apps",
    ),
    TokenForm("Hugging Face", r"(?:hf|api_org)_", r"[A-Za-z]{30,}", _GITLEAKS),
    TokenForm("Infracost", r"ico-", r"[A-Za-z0-9]{32}", _GITLEAKS),
    TokenForm("LangSmith", r"lsv2_(?:pt|sk)_", r"[a-f0-9_]{20,}", _TRUFFLEHOG),
    TokenForm("LaunchDarkly", r"(?:sdk|api|mob)-[a-f0-9]{8}-[a-f0-9]{4}-4", r"[a-f0-9-]{22}", _GITHUB),
    TokenForm(
        "LaunchDarkly",
        r"(?:sdk|mob)-[a-f0-9]{8}-",
        r"[a-f0-9-]{20,}",
        _TRUFFLEHOG,
        r"(?:sdk|mob)-[a-f0-9]{8}-",
    ),
    TokenForm("Linear", r"lin_(?:api|oauth)_", r"[A-Za-z0-9]{20,}", _GITLEAKS),
    TokenForm("LinkedIn", r"WPL_AP[01]\.", r"[A-Za-z0-9]{10,}(?:\.[A-Za-z0-9+/=]+)?", _GITHUB),
    TokenForm("Lob", r"(?:live|test)_", r"[a-f0-9]{35}", _TRUFFLEHOG, r"(?:live|test)_[a-f0-9]{16}"),
    TokenForm("Mailchimp", r"[a-f0-9]{32}-us", r"[0-9]{1,2}", _GITLEAKS, r"-us[0-9]"),
    TokenForm("Mailgun", r"(?:key|pubkey)-", r"[a-f0-9]{32}", _GITLEAKS),
    TokenForm(
        "Mailgun",
        r"[a-f0-9]{32}-[a-f0-9]{8}-",
        r"[a-f0-9]{8}",
        "https://documentation.mailgun.com/docs/mailgun/user-manual/api-key-mgmt/",
        r"-[a-f0-9]{8}-[a-f0-9]{8}",
    ),
    TokenForm(
        "Mattermost",
        r"hooks/",
        r"[a-z0-9]{26}",
        "https://developers.mattermost.com/integrate/webhooks/incoming/",
    ),
    TokenForm("MaxMind", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_", r"mmk", _GITLEAKS, r"_mmk"),
    TokenForm("Neon", r"napi_", r"[a-z0-9]{40,}", _TRUFFLEHOG, r"napi_[a-z0-9]{16}"),
    TokenForm(
        "New Relic",
        r"NR(?:AK|JS|II|IQ|AL|AA|BR|RA|MA|SP)-",
        r"[\w-]{10,}",
        "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/",
    ),
    TokenForm("Netlify", r"nf[pcou]_", r"[A-Za-z0-9]{30,}", _GITHUB),
    TokenForm("Notion", r"ntn_", r"[A-Za-z0-9]{30,}", _GITLEAKS),
    TokenForm(
        "npm",
        r"npm_",
        r"[A-Za-z0-9]{20,}",
        "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/",
    ),
    TokenForm("NuGet", r"oy2", r"[a-z0-9]{43}", _GITHUB),
    TokenForm("ntfy", r"tk_", r"[a-z0-9]{29}", "https://docs.ntfy.sh/publish/#access-tokens"),
    TokenForm("Octopus Deploy", r"API-", r"[A-Z0-9]{26}", _GITLEAKS),
    TokenForm("OpenAI", r"sk-(?:[a-z]+-)?", r"[A-Za-z0-9][\w-]{15,}", _GITLEAKS),
    TokenForm("OpenShift", r"sha256~", r"[\w-]{30,}", _GITLEAKS),
    TokenForm(
        "PagerDuty",
        r"(?:u\+|(?:[Ii]ntegration|[Rr]outing)[ _-][Kk]ey\W{1,4})",
        r"(?:[a-f0-9]{32}|[\w-]{18}\b)",
        "https://developer.pagerduty.com/docs/authentication",
        r"\bu\+[\w-]{4}|(?:ntegration|outing)[ _-][Kk]ey",
    ),
    TokenForm("PayPal", r"access_token\$(?:production|sandbox)\$", r"[a-z0-9]{10,}[$a-f0-9]*", _TRUFFLEHOG),
    TokenForm("Perplexity", r"pplx-", r"[A-Za-z0-9]{30,}", _GITLEAKS),
    TokenForm(
        "Plaid", r"access-(?:sandbox|development|production)-", r"[a-f0-9]{8}-[a-f0-9-]{10,}", _GITLEAKS
    ),
    TokenForm("PlanetScale", r"pscale_(?:tkn|pw|oauth)_", r"[\w=.-]{20,}", _GITLEAKS),
    TokenForm("Postman", r"PMAK-", r"[a-f0-9]{20,}(?:-[a-f0-9]+)?", _GITLEAKS),
    TokenForm("Prefect", r"pn[ub]_", r"[A-Za-z0-9]{20,}", _GITLEAKS),
    TokenForm("Pulumi", r"pul-", r"[a-f0-9]{40}", _GITLEAKS),
    TokenForm("PyPI", r"pypi-", r"AgE[\w-]{16,}", _GITLEAKS),
    TokenForm("Razorpay", r"rzp_(?:live|test)_", r"[A-Za-z0-9]{14}", _TRUFFLEHOG),
    TokenForm("ReadMe", r"rdme_", r"[a-z0-9]{40,}", _GITLEAKS),
    TokenForm("Replicate", r"r8_", r"[A-Za-z0-9]{30,}", _GITHUB),
    TokenForm("rollback-drills", r"drills_", r"[\w-]{30,}", "rollback_drills/access/api_token.py"),
    TokenForm(
        "rollback-drills", r"PRIVATE\+KEY\+", r"[\w.+/=-]{16,}", "rollback_drills/evidence/ledger/keys.py"
    ),
    TokenForm("RubyGems", r"rubygems_", r"[a-f0-9]{20,}", _GITLEAKS),
    TokenForm("Scalingo", r"tk-us-", r"[\w-]{40,}", _GITLEAKS),
    TokenForm("SendGrid", r"SG\.", r"[\w-]{16,}\.[\w-]{16,}", _GITLEAKS),
    TokenForm("Sentry", r"sntry[su]_", r"[\w+/=]{20,}", _GITLEAKS),
    TokenForm("SettleMint", r"sm_[aps]at_", r"[A-Za-z0-9]{16,}", _GITLEAKS),
    TokenForm("Shippo", r"shippo_(?:live|test)_", r"[a-fA-F0-9]{20,}", _GITLEAKS),
    TokenForm("Shopify", r"shp(?:at|ca|pa|ss|ua|tka)_", r"[a-fA-F0-9]{16,}", _GITLEAKS),
    TokenForm("Slack", r"xox[a-z]-", r"[\w-]+", "https://docs.slack.dev/authentication/tokens/"),
    TokenForm("Slack", r"xapp-", r"[\w-]+", "https://docs.slack.dev/authentication/tokens/"),
    TokenForm(
        "Slack", r"xoxe\.xox[a-z]-", r"[\w-]+", "https://docs.slack.dev/authentication/using-token-rotation/"
    ),
    TokenForm("SonarQube", r"sq[upa]_", r"[a-f0-9]{30,}", _GITLEAKS),
    TokenForm("Sourcegraph", r"sgp_", r"[\w]{30,}", _GITLEAKS),
    TokenForm("Square", r"sq0[a-z]{3}-", r"[\w-]{20,}", _GITLEAKS),
    TokenForm("Square", r"EAAA", r"[\w-]{40,}", _GITLEAKS),
    TokenForm("Stripe", r"[spr]k_(?:test|live|prod)_", r"[A-Za-z0-9]{10,}", "https://docs.stripe.com/keys"),
    TokenForm("Supabase", r"sb(?:p|_secret)_", r"[\w-]{20,}", _GITHUB),
    TokenForm("Tailscale", r"tskey-", r"[A-Za-z]+-[\w-]{10,}", _GITHUB),
    TokenForm("Telegram", r"[0-9]{8,10}:AA", r"[\w-]{32,34}", _GITLEAKS, r":AA[\w-]{8}"),
    TokenForm("Twilio", r"SK", r"[0-9a-fA-F]{32}", _GITLEAKS),
    TokenForm("Twilio", r"AC[0-9a-f]{32}:", r"[0-9a-f]{32}", "https://www.twilio.com/docs/iam/api"),
    TokenForm("Twitch", r"oauth:", r"[a-z0-9]{30}", "https://dev.twitch.tv/docs/chat/irc/"),
    TokenForm("Typeform", r"tfp_", r"[\w.=-]{30,}", _GITLEAKS),
    TokenForm("Yandex", r"(?:t1\.[\w-]+={0,2}\.|AQVN)", r"[\w-]{35,}", _GITLEAKS),
)
TOKEN_FORMS: Final = (*_ISSUERS, *COMMON_FORMS)
"""All of them."""
_NO_DIGEST: Final = r"(?!(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![\w-]|:[0-9a-f]{32}))"
"""Of a digest in hexadecimal one in thousands begins like a token, and none is one."""
TOKEN: Final = rf"(?<![A-Za-z0-9]){_NO_DIGEST}(?:{'|'.join(form.pattern for form in TOKEN_FORMS)})"
"""Any of them, for `re`."""
TOKEN_START: Final = "|".join(form.start for form in TOKEN_FORMS)
"""What is in every text that holds one, for RE2: long repetitions would make a large automaton."""
