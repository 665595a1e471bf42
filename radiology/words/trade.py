"""Words that peers say why they refuse with; none of them names a person, a place or a number.

Those of the status tables in PS3.4 and PS3.7 Annex C, of HL7 Tables 0008 and 0357, and of the
sentences that archives and order systems answer with. A common surname or given name is not among
them, though it is a word too (Field, Grant, Long, May, Will).
"""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
    about accept accepted access accession ack acknowledged action active ae aet aets again all
    allow allowed already also an and any application archive archiving are argument as
    association associations at attempt attribute attributes authentication authorisation
    authorised authorization authorized available aborted bad be because been being blocked body
    busy by called calling can cancelled cannot character class code coercion command
    commitment compressed conflict connect connection content context corrupt could
    create created data database dataset denied destination device did dicom different directory
    disabled disk disc does doing done down duplicate duplicated element elements empty enabled
    encoding enough entity error errors event exceed exceeded exceeds exception exist existing
    exists expected expired fail failed failing failure fatal file files find finished for
    forbidden format found from full get handle has have header hl7 hospital http id identifier
    if image images import in incomplete incorrect index information input instance instances
    insufficient internal into invalid inventory invocation is issuer it item items its key known
    lacks length level licence license licensed limit limitation list loaded local lock locked
    log longer low maintenance malformed matching max maximum memory message messages missing
    mistyped modality mode move must name negotiated network new no node nor not nothing now null
    number object objects occurred of offered offline on one only open operation operations or
    order orders other out own pacs parse patient pending performed performer permanently
    permission permissions permit permitted please policy pool present presentation procedure
    process processed processing prohibited provided provider quarantine query queue quota
    rate reached read reason received receive receiving record refuse refused registered
    reject rejected release remote report request requested required reserved resource resources
    response retired retrieve retry role routine rule rules same scp scu security seg segment
    select sending sent sequence series server service set setting settings shutdown size sop
    source space sr state status step stop stopped storage store stored storing studies study
    sub such supplied support supported syntax system tag temporarily temporary than that the
    their there this time timeout timed to too transaction transfer trusted try type uid unable
    unauthorised unauthorized unavailable understand understood unexpected unknown unrecognised
    unrecognized unsupported until update updated ups use used user using valid validation value
    values version view violates violation was we were when which while with within without
    workitem worklist write writing written wrong you your
    """
WORDS_OF_A_TRADE: Final = frozenset(_WORDS.split())
