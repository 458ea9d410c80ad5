// SPDX-License-Identifier: EUPL-1.2
//! The words in German.

use crate::api::problem::Code;

/// A title, and what can be done about it.
pub(super) fn problem(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Malformed => {
            ("Unlesbare Anfrage", "Die Anfrage ist kein gültiges JSON oder HTTP. Prüfen Sie ihren Aufbau.")
        }
        Code::Unauthenticated => {
            ("Anmeldung nötig", "Melden Sie sich an oder senden Sie ein gültiges Token im Kopf Authorization.")
        }
        Code::SignInRefused => {
            ("Anmeldung abgelehnt", "Adresse und Passwort gehören nicht zusammen, oder das Konto ist gesperrt.")
        }
        Code::ForgeryProtection => {
            ("Herkunft nicht belegt", "Laden Sie die Seite neu und versuchen Sie es noch einmal.")
        }
        Code::InsufficientScope => {
            ("Recht fehlt", "Dem Token oder der Rolle fehlt der Geltungsbereich (Scope) für diese Anfrage.")
        }
        Code::Forbidden => ("Nicht erlaubt", "Das dürfen Sie mit dieser Ressource nicht tun."),
        Code::NotFound => ("Nicht gefunden", "Das gibt es nicht, oder es ist für Sie nicht sichtbar."),
        Code::MethodNotAllowed => {
            ("Methode nicht vorgesehen", "Unter diesem Pfad ist diese HTTP-Methode nicht vorgesehen.")
        }
        Code::Taken => {
            ("Schon vergeben", "Ein Wert, der eindeutig sein muss, ist schon vergeben. Wählen Sie einen anderen.")
        }
        Code::Conflict => {
            ("Widerspruch zum Zustand", "Das geht nicht im jetzigen Zustand der Ressource. Lesen Sie sie neu.")
        }
        Code::CapacityExhausted => {
            ("Kein Platz", "Dafür ist nicht genug Platz. Versuchen Sie eine andere Zeit oder weniger Teilnehmende.")
        }
        Code::LinkRevoked => {
            ("Link nicht mehr gültig", "Dieser Link wurde zurückgezogen. Bitten Sie um eine neue Einladung.")
        }
        Code::MeetingEnded => ("Besprechung beendet", "Die Besprechung ist vorbei oder findet nicht statt."),
        Code::MeetingLocked => (
            "Besprechung abgeschlossen",
            "Die Leitung lässt niemanden mehr ein. Bitten Sie darum, wieder aufzuschließen.",
        ),
        Code::MeetingFull => (
            "Besprechung voll",
            "In der Besprechung ist kein Platz mehr frei. Versuchen Sie es in einigen Minuten noch einmal.",
        ),
        Code::LobbyFull => {
            ("Warteraum voll", "Es warten schon zu viele Personen. Versuchen Sie es in einigen Minuten noch einmal.")
        }
        Code::NotAdmitted => ("Nicht eingelassen", "Sie wurden nicht in die Besprechung eingelassen."),
        Code::Banned => ("Von der Besprechung ausgeschlossen", "Sie wurden von dieser Besprechung ausgeschlossen."),
        Code::GuestsForbidden => (
            "Keine Gäste",
            "Diese Besprechung nimmt keine Gäste auf. Nutzen Sie Ihren persönlichen Link oder melden Sie sich an.",
        ),
        Code::AcrTooLow => (
            "Stärkere Anmeldung nötig",
            "Diese Besprechung verlangt eine stärkere Anmeldung, zum Beispiel mit einem zweiten Faktor.",
        ),
        Code::PhonesExcluded => (
            "Nicht per Telefon",
            "In diese Besprechung kommt kein Telefon: Sie ist Ende zu Ende verschlüsselt oder verlangt eine stärkere Anmeldung.",
        ),
        Code::DialOutOff => (
            "Anrufe nicht eingeschaltet",
            "Von hier aus werden keine Telefone angerufen. Die Systemverwaltung kann es für Ihre Organisation einschalten.",
        ),
        Code::NumberNotAllowed => (
            "Nummer nicht erlaubt",
            "Diese Nummer wird nicht angerufen: Ihr Land ist nicht freigegeben, oder sie gehört zu einem Dienst.",
        ),
        Code::MinutesUsedUp => (
            "Minuten aufgebraucht",
            "Die Anrufe Ihrer Organisation haben heute so viele Minuten gedauert, wie sie dürfen. Morgen geht es wieder.",
        ),
        Code::TooManyCalls => (
            "Zu viele Anrufe",
            "Es wird schon so oft angerufen, wie gleichzeitig möglich ist. Warten Sie, bis ein Anruf beendet ist.",
        ),
        Code::BeingCalled => (
            "Wird schon angerufen",
            "Diese Nummer wird gerade in die Besprechung gerufen. Warten Sie ab, was daraus wird.",
        ),
        Code::CalledTooOften => (
            "Zu oft angerufen",
            "In der letzten Stunde wurde diese Nummer oder insgesamt so oft angerufen wie erlaubt. Retry-After sagt, wann es wieder geht.",
        ),
        Code::NoTrunk => (
            "Kein Anschluss",
            "Es gibt keinen Anschluss, über den angerufen werden kann. Wenden Sie sich an die Administration.",
        ),
        Code::EtagMismatch => (
            "Inzwischen geändert",
            "Jemand hat die Ressource inzwischen geändert. Lesen Sie sie neu und wiederholen Sie es.",
        ),
        Code::BodyTooLarge => ("Zu groß", "Die Anfrage ist zu groß."),
        Code::UnsupportedMediaType => {
            ("Falscher Inhaltstyp", "Senden Sie den Inhalt mit dem passenden Content-Type, meist application/json.")
        }
        Code::Invalid => ("Ungültige Angaben", "Einige Angaben sind ungültig; `errors` nennt jede einzelne."),
        Code::IdempotencyKeyReused => (
            "Idempotency-Key schon benutzt",
            "Dieser Schlüssel gehört zu einer anderen Anfrage. Nehmen Sie einen neuen.",
        ),
        Code::PreconditionRequired => (
            "If-Match nötig",
            "Senden Sie das ETag der Ressource im Kopf If-Match, damit keine Änderung verloren geht.",
        ),
        Code::RateLimited => ("Zu viele Anfragen", "Warten Sie so lange, wie Retry-After sagt."),
        Code::Internal => ("Fehler im Server", "Das ist unser Fehler. Nennen Sie der Administration die `request_id`."),
        Code::Unavailable => ("Zurzeit nicht möglich", "Das geht zurzeit nicht. Versuchen Sie es gleich noch einmal."),
    }
}

/// What is wrong with a field; `{}` is what the words need to know.
pub(super) fn field(code: &str) -> &'static str {
    match code {
        "required" => "Diese Angabe fehlt.",
        "unknown-field" => "Diese Angabe ist nicht bekannt.",
        "wrong-type" => "Diese Angabe hat den falschen Typ; erwartet: {}.",
        "unknown-value" => "Dieser Wert ist nicht bekannt; möglich: {}.",
        "too-long" => "Höchstens {} Zeichen.",
        "too-short" => "Mindestens {} Zeichen.",
        "too-large" => "Höchstens {}.",
        "too-small" => "Mindestens {}.",
        "too-many" => "Höchstens {} Einträge.",
        "too-few" => "Mindestens {} Einträge.",
        "repeated" => "Ein Eintrag kommt mehrmals vor.",
        "wrong-format" => "Erwartet: {}.",
        "control-character" => "Steuerzeichen sind nicht erlaubt.",
        "taken" => "Schon vergeben.",
        "unknown-reference" => "Das gibt es nicht.",
        "unknown-time-zone" => "Keine Zeitzone der IANA-Datenbank.",
        "before-start" => "Muss nach dem Beginn liegen.",
        "in-the-past" => "Liegt in der Vergangenheit.",
        "contradiction" => "Widerspricht einer anderen Angabe: {}.",
        "not-a-rule" => "Keine Wiederholungsregel nach RFC 5545.",
        "no-occurrence" => "Nach dieser Regel findet nie ein Termin statt.",
        "too-often" => "Wiederholt sich zu oft oder ist zu aufwendig; täglich ist das Kürzeste.",
        "said-twice" => {
            "Die Uhren zeigen diese Zeit an dem Tag zweimal, und dies ist die zweite; eine Reihe kann mit der ersten beginnen."
        }
        "not-by-the-rule" => "Entspricht nicht der Regel; der nächste Beginn nach ihr: {}.",
        "no-start-of-the-rule" => "Zu dieser Zeit beginnt nach der Regel nichts.",
        "not-there-yet" => "Das kann diese Version noch nicht.",
        "not-public" => "Nur Adressen im Internet sind erlaubt.",
        "forbidden-value" => "Das dürfen Sie nicht wählen.",
        "unchangeable" => "Das lässt sich nicht mehr ändern.",
        "no-number" => "Das ist keine Rufnummer, die von hier aus gewählt werden kann.",
        "too-weak" => "Zu leicht zu erraten.",
        _ => "Ungültig.",
    }
}
