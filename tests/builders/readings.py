"""Strategies for readings of any bundle: every value that one may hold, valid and arbitrary."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

from hypothesis import strategies as st

from radiology.algorithm import AlgorithmIdentity
from radiology.answer.anchor import Anchor, AnchorPlacement, Mark
from radiology.answer.finding import Finding, Presence
from radiology.answer.known import KnownValue
from radiology.answer.measurement import Measurement, MeasurementGroup, NormalRange
from radiology.answer.reading import Comparison, Reading, ReportWords, Suspicion, TimePoint
from radiology.answer.remark import Remark
from radiology.answer.statement import Statement, StatementInput
from radiology.answer.table import Table, TableColumn, TableRow
from radiology.codes import Code
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.region import Region
from radiology.site import Site
from radiology.urgency import LimitOf, RuleSeen, Urgency

_words = st.text(max_size=8)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_numbers = _finite | st.integers(-1000, 1000)
_shares = st.floats(0.0, 1.0)
_moments = st.datetimes(
    timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])
)


def _some(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(values, max_size=2).map(tuple)


codes = st.builds(Code, _words, _words, _words)
sites = st.builds(Site, codes, st.none() | codes)
measurements = st.builds(
    Measurement,
    codes,
    _numbers,
    codes,
    decimals=st.none() | st.integers(0, 3),
    derivation=st.none() | codes,
    method=st.none() | codes,
    normal=st.none() | st.builds(NormalRange, st.none() | _finite, st.none() | _finite, _words),
)
statements = st.builds(
    Statement,
    codes,
    st.none() | codes | _words,
    name=_words,
    certain=st.booleans(),
    inputs=_some(
        st.builds(
            StatementInput,
            _words,
            st.none() | _numbers | st.booleans() | _words,
            _words,
            st.none() | st.integers(0, 9),
            st.none() | st.booleans(),
        )
    ),
    missing=_some(_words),
    source=_words,
    note=_words,
)
anchors = st.builds(
    Anchor,
    _some(_words),
    within=_some(_words),
    mark=st.sampled_from(Mark),
    placement=st.sampled_from(AnchorPlacement),
    slices=st.integers(1, 5),
    place=st.integers(0, 3),
    spared=_some(_words),
    off_centre=st.booleans(),
    halves=_some(_words),
)
groups = st.builds(
    MeasurementGroup,
    _words,
    codes,
    category=st.none() | codes,
    sites=_some(sites),
    measurements=_some(measurements),
    statements=_some(statements),
    regions=_some(_words),
    anchor=st.none() | anchors,
    compared=st.booleans(),
    tracking_uid=_words,
)
findings = st.builds(
    Finding,
    _words,
    codes,
    st.sampled_from(Presence),
    site=st.none() | sites,
    words=_words,
    probability=st.none() | _shares,
    threshold=st.none() | _shares,
    label=_words,
    regions=_some(_words),
    groups=_some(_words),
    key_slices=_some(st.integers(0, 300)),
    tracking_identifier=_words,
    tracking_uid=_words,
)
described_regions = st.builds(
    Region,
    _words,
    codes,
    st.booleans(),
    st.tuples(*[st.integers(0, 255)] * 3),
    site=st.none() | sites,
    laterality=st.none() | codes,
    part_of=_words,
    bounded=st.booleans(),
    labels=st.none(),
    values=st.just((1,)),
)
time_points = st.builds(
    TimePoint, _words, st.none() | _moments, st.integers(1, 9), _some(measurements)
)
readings = st.builds(
    Reading,
    st.sampled_from(Outcome),
    st.builds(AlgorithmIdentity, _words, _words, _words, _words),
    st.builds(
        ReportWords,
        _words,
        codes,
        _words,
        st.none() | codes,
        _words,
        _some(st.tuples(_words, _words)),
        st.none() | st.tuples(_shares, _shares),
        _words,
    ),
    suspicion=st.none() | st.builds(Suspicion, st.none() | _shares, _shares),
    findings=_some(findings),
    groups=_some(groups),
    statements=_some(statements),
    gates=_some(
        st.builds(
            QualityGate,
            _words,
            st.booleans(),
            _words,
            _words,
            _words,
            st.sampled_from(GateSeverity),
        )
    ),
    key_slices=_some(st.integers(0, 300)),
    regions=_some(described_regions),
    heat_maps=st.just({}),
    acquired_at=st.none() | _moments,
    comparison=st.none() | st.builds(Comparison, time_points, time_points, _words),
    summary=_some(measurements | statements),
    course=_some(time_points),
    table=st.builds(
        Table,
        _some(st.builds(TableColumn, _words, _words, st.integers(0, 3), st.booleans())),
        _some(st.builds(TableRow, _words, _some(st.none() | _shares), st.booleans())),
    ),
    remarks=_some(st.builds(Remark, _words, _some(_some(_words)), _words, st.booleans())),
    urgency_rules=_some(
        st.builds(
            RuleSeen,
            _words,
            st.sampled_from(Urgency),
            st.booleans(),
            _words,
            _words,
            st.sampled_from(LimitOf),
            _words,
        )
    ),
    known=_some(
        st.builds(
            KnownValue,
            _words,
            st.none() | _numbers | st.booleans() | _words,
            _words,
            _words,
            st.none() | _moments,
        )
    ),
)
