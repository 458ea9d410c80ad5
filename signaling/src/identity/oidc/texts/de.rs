// SPDX-License-Identifier: EUPL-1.2
//! The words in German.

use crate::identity::oidc::page::Refusal;

pub(super) const AGAIN: &str = "Noch einmal anmelden";

pub(super) const SIGN_OUT: (&str, &str) = ("Von Saal abmelden?", "Abmelden");

pub(super) const fn refusal(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::NotConfigured => (
            "Kein Anmeldedienst eingerichtet",
            "Dieser Server hat keinen Anmeldedienst. Melden Sie sich mit Adresse und Passwort an.",
        ),
        Refusal::ProviderAway => (
            "Der Anmeldedienst antwortet nicht",
            "Der Anmeldedienst Ihrer Organisation ist nicht erreichbar. Versuchen Sie es gleich noch einmal. Wer ein \
             Passwort für Saal hat, kann sich damit anmelden.",
        ),
        Refusal::Busy => {
            ("Zu viele auf einmal", "Gerade melden sich sehr viele an. Versuchen Sie es gleich noch einmal.")
        }
        Refusal::NotBegun => (
            "Die Anmeldung hat zu lange gedauert",
            "Diese Anmeldung hat nicht in diesem Browser begonnen oder vor zu langer Zeit. Beginnen Sie neu und \
             erlauben Sie Cookies für diese Seite.",
        ),
        Refusal::NotGranted => {
            ("Nicht angemeldet", "Der Anmeldedienst Ihrer Organisation hat die Anmeldung nicht abgeschlossen.")
        }
        Refusal::BadToken => (
            "Die Anmeldung ließ sich nicht prüfen",
            "Was der Anmeldedienst geschickt hat, passt nicht. Beginnen Sie neu; geschieht es wieder, sagen Sie es der \
             Administration.",
        ),
        Refusal::NoAddress => (
            "Keine bestätigte Adresse",
            "Der Anmeldedienst bestätigt keine E-Mail-Adresse von Ihnen. Fragen Sie die Administration.",
        ),
        Refusal::NoAccount => ("Kein Konto", "Sie haben hier kein Konto. Bitten Sie die Administration um eines."),
        Refusal::NoTenant => (
            "Keine Organisation",
            "Sie gehören zu keiner Organisation, die hier bekannt ist. Fragen Sie die Administration.",
        ),
        Refusal::OtherTenant => (
            "Andere Organisation",
            "Ihr Konto gehört zu einer anderen Organisation, als der Anmeldedienst sagt. Fragen Sie die Administration.",
        ),
        Refusal::NoRole => {
            ("Keine Rolle", "Der Anmeldedienst gibt Ihnen keine Rolle für Saal. Fragen Sie die Administration.")
        }
        Refusal::Disabled => ("Konto gesperrt", "Ihr Konto ist gesperrt. Fragen Sie die Administration."),
        Refusal::TooWeak => (
            "Stärkere Anmeldung nötig",
            "Sie müssen sich auf stärkere Weise anmelden, zum Beispiel mit einem zweiten Faktor.",
        ),
        Refusal::Forged => ("Herkunft nicht belegt", "Abmelden geht nur von einer Seite dieses Servers aus."),
        Refusal::Unavailable => {
            ("Zurzeit nicht möglich", "Das geht zurzeit nicht. Versuchen Sie es gleich noch einmal.")
        }
    }
}
