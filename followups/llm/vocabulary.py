"""Word lists of the checks, as data: edit them freely. Lower case, without accents; `word*` means any ending."""

from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LANGUAGES: Final = {"en": "English", "de": "German", "es": "Spanish", "fr": "French", "pt": "Portuguese"}
"""The languages whose texts can be checked. A text in another one needs a person's approval."""

STOP_WORDS: Final[dict[str, frozenset[str]]] = {
    "en": _set(
        """
        a about after again all also am an and any are as ask asked at be because been before being but by can could
        did do does doing don done feel feeling felt for from get getting go going good got great had has have having
        he hear hello her here hey hi him his hope how i if in into is it its just know last let like little look me
        mention mentioned more much my new no nope not now of off on or our out over really said say see she so some
        still talk tell than thank thanks that the their them then there these they thing things think this time to
        told too up us very want wanted was we well went were what when where which who why will with wondering would
        write wrote yes you your yours
        """
    ),
    "de": _set(
        """
        aber alle als also am an auch auf aus bei bin bis bist da dann das dass dein deine deinem deinen deiner dem
        den denn der des dich die dir doch du durch ein eine einem einen einer er erzahlt es etwas euch euer fur ganz
        geht gerade gern gerne geschrieben gesagt gewesen gut hab habe haben hallo hast hat hatte hattest hey hi hier
        ich ihr im in ins ist ja kann kein keine kommen lang lange mal mehr mein meine mich mir mit nach nicht noch
        nun nur oder ohne schon schreib sehr sein seine sich sie sind so uber um und uns unser vom von vor war waren
        warst was weil wenn wer wie wieder wir wird wo wolltest wurde zu zum zur
        """
    ),
    "es": _set(
        """
        a al algo aqui asi aun bien como con contaste cuando cual de del desde dijiste donde el ella en entre era eras
        eres es esa ese eso esta estaba estabas estas este esto estoy fue fuiste gracias ha han has hasta hay he hola
        la las le les lo los mas me mi mis mucho muy nada no nos nosotros nuestra nuestro o os para pero por porque
        que quien se ser si sin sobre son su sus tal tambien te tenias ti tiene tienes todo tu tus un una uno vez y ya
        yo
        """
    ),
    "fr": _set(
        """
        a ai as au aussi aux avais avait avec avez avons bien bonjour ca ce cela ces cet cette comme comment dans de
        depuis des dit du elle en encore es est et etais etait ete eu fait ici il ils j je l la le les leur lui ma
        mais me merci mes moi mon n ne nos notre nous on ont ou par parle pas peu plus pour qu quand que quel quelle
        qui s sa salut se ses si son sont sur t ta te tes toi ton toujours tout tres tu un une va vas vos votre vous y
        """
    ),
    "pt": _set(
        """
        a agora ai ainda alguma algo ao aos aqui as ate bem bom com como contou da das de depois do dos disse e ela
        ele em entre era eram eras es essa esse esta estao estas estava estavas este eu foi foste fui ha isso ja la
        lhe mais mas me meu minha muito na nao nas no nos nossa nosso o obrigado oi ola os ou para pela pelo por
        porque quando que quem se sem ser seu seus sobre sua suas tambem te tem tens teu teus tinha toda todo tu tua
        tuas tudo um uma vai voce voces
        """
    ),
}

SENSITIVE: Final[dict[str, frozenset[str]]] = {
    "health": _set(
        """
        abortion anorexi* anxiety anxious autis* bulimi* cancer chemo* depress* diabet* diagnos* doctor drunk hiv
        hospital* ill illness medic* miscarr* overdos* pain panic pills pregnan* psych* rehab sick* suicid* surger*
        surgery symptom* therap* trauma* tumor* kill abtreibung angststorung arzt* arztin depress* diagnose*
        fehlgeburt klinik krank* krebs operation panik schmerz* schwanger* selbstmord* suchtig* suizid* therapie*
        verletz* aborto ansiedad cancer depresi* dolor embaraz* enferm* medico* hospital* psiquiatr* psicolog* suicid*
        terapia* avortement anxiete cancer depression* deprim* enceinte hopital* malad* medecin* suicid* therapie*
        douleur* ansiedade cirurgia* deprimid* depressao doen* gravid* hospital* medico* remedio* suicid* terapeut*
        dor
        """
    ),
    "money": _set(
        """
        bankrupt* broke debt* evict* loan* mortgage* salary overdraft poor unemploy* wage* arbeitslos* gehalt
        insolven* kredit* miete mietschulden pleite schulden alquiler arruinad* desemple* deuda* hipoteca* paro
        prestamo* sueldo* chomage dette* faillite hypotheque loyer salaire* surendett* aluguel desempreg* divida*
        emprestimo* falencia hipoteca* salario*
        """
    ),
    "law": _set(
        """
        arrest* asylum attorney* court crimin* custody deport* jail* lawsuit* lawyer* police prison* prosecut* sued
        trial visa abschieb* anwalt* asyl gefangnis gericht* haft klage polizei sorgerecht verhaft* visum abogad*
        carcel custodia demanda detenid* juicio policia prision* tribunal* avocat* juge* police prison* proces
        tribunal* advogad* cadeia justica policia processo prisao preso presa tribunal
        """
    ),
    "relationships": _set(
        """
        affair boyfriend* breakup cheated cheating dating divorc* dumped ex girlfriend* husband* marriage separated
        separation sex sexual* wife abus* ehe ehefrau ehemann fremdgegangen freundin scheidung* geschieden getrennt
        trennung* divorci* esposa esposo exnovi* infiel marido novia novio separad* separacion ruptura divorc* epouse
        mari infidel* rupture separe separee separation copain copine divorci* esposa esposo infiel marido namorad*
        separad* separacao traid*
        """
    ),
}

SAYING: Final[dict[str, str]] = {
    "en": r"\byou(?:'ve| have| had|'d)? (?:(?:just|once|also|even|still|never|ever|always|\w+ly) )?"
    r"(?:said|mentioned|told|wrote|written|were|was|had|went|wanted|felt|asked|planned|shared|talked|spoke|spoken|got|started|finished|moved|lost"
    r"|won|passed|failed|worked|live|lived|love|loved|hate|study|studied)\b"
    r"|\byou(?:'re| are) (?:an?|from|studying|working|learning|living|moving|getting|starting)\b",
    "de": r"\bdu (?:\w+ )?(?:hast|warst|hattest|wolltest|sagtest|meintest|schriebst|erzahltest|gingst|arbeitest"
    r"|wohnst)\b|\b(?:hast|warst|hattest|wolltest|sagtest|meintest|schriebst|erzahltest|gingst) du\b"
    r"|\bdu bist (?:eine?|aus)\b",
    "es": r"\b(?:dijiste|mencionaste|contaste|escribiste|estabas|estuviste|tenias|tuviste|fuiste|querias|hablaste"
    r"|empezaste|terminaste|trabajas|vives)\b|\beres (?:una?|de)\b",
    "fr": r"\b(?:tu|vous) (?:as|avais|etais|es alle|voulais|disais|avez|aviez|etiez|vouliez|travailles|habites)\b"
    r"|\bt'etais\b|\b(?:tu es|vous etes) (?:une?|de)\b",
    "pt": r"\b(?:disse|disseste|mencionou|mencionaste|contou|contaste|escreveu|escreveste|estava|estavas|tinha|tinhas"
    r"|foste|queria|querias|falou|falaste|trabalha|trabalhas|mora|moras)\b|\b(?:voce e|tu es) (?:uma?|de)\b",
}
"""Phrases that state something about the reader's life. Matched without case and accents."""

CONGRATULATING: Final[dict[str, str]] = {
    "en": r"\bcongrat\w*",
    "de": r"\bgluckwunsch\w*",
    "es": r"\bfelici\w+",
    "fr": r"\bfelicitation\w*",
    "pt": r"\bparabens\b",
}
"""It says that something has been achieved."""

DENIALS: Final[dict[str, frozenset[str]]] = {
    "en": _set("no not nope never none nothing nobody nor neither without cannot dont didnt doesnt hardly"),
    "de": _set("nicht nichts nie niemals niemand kein* ohne nein kaum weder"),
    "es": _set("no nunca jamas sin ni nada nadie tampoco ningun*"),
    "fr": _set("ne n pas jamais rien sans non aucun* personne"),
    "pt": _set("nao nunca jamais sem nem nada ninguem nenhum*"),
}
"""What turns a sentence into its opposite."""

POSSESSIVES: Final[dict[str, frozenset[str]]] = {
    "en": frozenset({"your"}),
    "de": frozenset({"dein", "deine", "deinem", "deinen", "deiner", "deines"}),
    "es": frozenset({"tu", "tus"}),
    "fr": frozenset({"ton", "ta", "tes", "votre", "vos"}),
    "pt": frozenset({"seu", "sua", "seus", "suas", "teu", "tua", "teus", "tuas"}),
}

HARMLESS: Final[dict[str, frozenset[str]]] = {
    "en": _set(
        """
        birthday company day days evening experience feedback goal honest ideas impression impressions message
        messages mind morning news ok opinion own place presence side thoughts time visit voice way week weekend weeks
        wishes words discord
        """
    ),
    "de": _set(
        """
        abend alles antwort community dank druck frage fragen gesprach kanal letzter leute liebe lieber liebes weile
        ganzes dein deine deinem deiner dich dir du eindruck erfahrung euch feedback freude geburtstag gedanken gruss
        grusse gute guten ihnen lust meinung moment morgen nachricht rede rede sie tag tage team stimme uns woche
        wochen wochenende wort worte wunsche zeit ziel eck hilfe ohr veranstaltung discord
        """
    ),
    "es": _set(
        """
        ayuda noticias parte compania companero cumpleanos dia dias experiencia idea ideas impresion mensaje mensajes
        meta objetivo opinion presencia semana semanas tiempo tarde visita voz lado ritmo discord
        """
    ),
    "fr": _set(
        """
        aise anniversaire nouvelle nouvelles envie cote avis journee experience idees impression impressions message
        messages objectif opinion part presence retour semaine semaines soiree temps tour visite voix rythme discord
        """
    ),
    "pt": _set(
        """
        ajuda aniversario falta noticias companhia dia dias experiencia ideia ideias impressao mensagem mensagens meta
        objetivo opiniao presenca semana semanas tempo tarde visita voz lado ritmo discord
        """
    ),
}
"""What may follow "your", and be written large in German, without saying anything about anybody's life."""

LEAKS: Final[tuple[str, ...]] = (
    "as an ai",
    "ai assistant",
    "language model",
    "system prompt",
    "my instructions",
    "my prompt",
    "ignore your",
    "ignore the",
    "ignore all",
    "ignore previous",
    "ignore any",
    "i cannot help",
    "i can't help",
    "i can not help",
    "i'm sorry, but",
    "json",
    "als ki",
    "sprachmodell",
    "meine anweisungen",
    "como ia",
    "como una ia",
    "modelo de lenguaje",
    "mis instrucciones",
    "en tant qu'ia",
    "modele de langage",
    "mes instructions",
    "como uma ia",
    "modelo de linguagem",
    "minhas instrucoes",
)
"""Signs that the model speaks of itself or of what it was told."""
