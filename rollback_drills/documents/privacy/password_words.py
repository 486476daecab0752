"""The words for a password in the languages of those who write about drills, and commands that take one."""

from typing import Final

_LATIN: Final = (
    "adgangskode|contrase(?:ñ|n)a|clave|has(?:ł|l)o|heslo|jelszó|kata sandi|kennwort|lozinka|l(?:ö|o)senord"
    "|mật khẩu|mots? de passe|palavra-passe|parola|passord|salasana|senha|(?:ş|s)ifre|wachtwoord"
)
_OTHER: Final = (
    "[Пп]ароль|[Пп]арола|[Лл]озинка|κωδικός|密码|密碼|口令|パスワード|暗証番号|비밀번호|암호"
    "|كلمة المرور|كلمة السر|סיסמה|סיסמא|पासवर्ड|รหัสผ่าน"
)
PASSWORDS: Final = r"pass(?:word|wd|wort|phrase|code)|pwd"
FOREIGN: Final = rf"(?:(?<![^\W_])(?i:{_LATIN})|{_OTHER})"
"""Some of these languages write no blanks between words."""
LOOSE_FOREIGN: Final = rf"(?i:{_LATIN})|{_OTHER}"
"""For RE2, which looks at bytes; it also finds them within other words."""

TOOL: Final = (
    r"(?:(?<![\w-])(?:sshpass\s{1,4}-p\s{0,4}|redis-cli\b[^\n]{0,80}?\s-a\s{1,4}"
    r"|requirepass\s{1,4}|masterauth\s{1,4}|(?i:identified\s{1,4}by)\s{1,4}"
    r"|(?i:net\s{1,4}use)\b[^\n]{0,80}?\s/user:\S{1,80}\s{1,4}"
    r"|mysql(?:dump|admin)?\b[^\n]{0,80}?\s-p)|(?<![\w:/-])pass:)[\"']?(?=(?P<value>[^\s\"']{5,300}))"
)
LOOSE_TOOL: Final = (
    r"sshpass\s|redis-cli\b|requirepass\s|masterauth\s|(?i:identified\s+by)\s|/user:|mysql\w*\s|\bpass:"
)
