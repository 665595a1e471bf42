"""The steps of one job, their order, and the state that each ends in. Read this file first.

    claimed    database.jobs.claimed            the most urgent waiting job, with a lease
    selected   worker.series.select_series      which series, and why not the others
    decoded    worker.series.decode_best        voxels in HU, placed in the patient; of the next
                                                best series where the first cannot be decoded
    inferred   models.readers.study_reader      findings, figures, suspicion, urgency, and what
                worker.course                    changed since the patient's latest earlier CT
    encoded    worker.encode                    SEG, SR and SC, proved, durable on disk
                worker.keep.store_answer         then rows
                worker.keep.store_shadow_answer  of a bundle that runs in shadow, rows alone
    flagged    database.flags.raised            rows in the same commit as the result;
                worker.flag.flag_study           tells each channel in a task of its own
    delivered  worker.deliver.deliver_results   in another task: networks fail differently
    compared   worker.priors.retrieve_priors    where nothing was there to compare with: earlier
                                                CTs are fetched, and the study is read once more

The ways out of a job that has no result are in `worker.settle_job`: "not assessable" with its
reason, back to the queue, or failed with a trace; `worker.attempt` decides which. A job always ends
in one transaction, and that begins with the fencing check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from database.jobs.claimed import (
    Claim,
    advance_job,
    claim_job,
    instance_paths,
    note_bundle,
    record_decisions,
    renew_lease,
)
from database.priors.candidates import prior_candidates
from database.session import Session, query, transaction
from database.states import JobState
from database.studies.patient import StatedPatient, as_kept, require_patient, settle_patient
from database.studies.study_of import uid_of_study
from database.tables.study.analysis import SeriesDecision
from models.catalogue import destination_of
from models.declared.report import Destination
from models.readers.study_reader import StudyRead, StudyReader, StudyToRead
from radiology.errors import BundleDoesNotApply
from radiology.image.series import SeriesHeader
from storage.kept_files import kept_files
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Renewal, Unsuccessful
from worker.attempt.retry import Backoff
from worker.course.earlier_reports import earlier_reports
from worker.course.find_priors import Priors, choose_priors
from worker.equipment import Equipment
from worker.infer.clinical_context import clinical_context
from worker.keep.begin_encoding import BegunEncoding, begin_encoding
from worker.keep.encode_study import StudyToEncode, encode_study
from worker.keep.keep_for_comparison import keep_for_comparison
from worker.keep.store_answer import store_answer
from worker.keep.store_shadow_answer import store_shadow_answer
from worker.patient.one_patient import one_patient, patient_of_series
from worker.patient.patient_identity import PatientIdentity
from worker.series.bundle_rule import applies, refusals_of
from worker.series.decode_best import DecodedSeries, decode_best
from worker.series.decode_volume import decode_volume
from worker.series.read_series import ReadInstance, group_series, patients_of
from worker.series.select_series import SeriesSelection
from worker.settle_job import settle_job


def analyse_one(equipment: Equipment) -> bool:
    """Bring the job that is due first to its end; False when none waits."""
    return attempt_next(_Jobs(equipment), equipment)


class _Jobs(Queue[Claim]):
    """Bundles to be applied to studies, the most urgent one first."""

    name = "jobs"
    needs_files = True

    @property
    def backoff(self) -> Backoff:
        settings = self._equipment.settings
        return Backoff(
            settings.analysis_first_retry_s,
            settings.analysis_longest_retry_s,
            settings.max_attempts,
        )

    def claim(self, session: Session, now: datetime) -> Claim | None:
        equipment, settings = self._equipment, self._equipment.settings
        return claim_job(
            session,
            worker=equipment.worker,
            lease_s=settings.lease_s,
            now=now,
            bundles=settings.bundles,
        )

    def facts(self, claim: Claim) -> Mapping[str, int | str]:
        return {"job_id": claim.job_id, "study_id": claim.study_id}

    def study_of(self, session: Session, claim: Claim) -> str:
        return uid_of_study(session, claim.study_id)

    def renewal(self, claim: Claim) -> Renewal:
        equipment = self._equipment

        def renew(session: Session, percent: int) -> None:
            lease_s, now = equipment.settings.lease_s, equipment.clock()
            renew_lease(session, claim, lease_s=lease_s, progress_percent=percent, now=now)

        return renew

    def attempt(self, claim: Claim, lease: Lease) -> None:
        _Job(self._equipment, claim, lease).run()

    def settle(self, session: Session, claim: Claim, end: Unsuccessful) -> None:
        settle_job(session, claim, end)


def _patients_of(series: SeriesHeader, instances: Sequence[ReadInstance]) -> list[PatientIdentity]:
    """What each instance of a series says of its patient."""
    uids = {one.sop_instance_uid for one in series.instances}
    return patients_of(one for one in instances if one.instance.sop_instance_uid in uids)


def _decision_rows(claim: Claim, selection: SeriesSelection) -> list[SeriesDecision]:
    return [
        SeriesDecision(
            job_id=claim.job_id,
            series_instance_uid=decision.series_instance_uid,
            chosen=decision.chosen,
            rule=decision.rule,
            seen=decision.seen,
            limit=decision.limit,
            reason=" ".join((decision.reason, *decision.warnings)),
        )
        for decision in selection.decisions
    ]


class _Job:
    """One attempt at one job."""

    def __init__(self, equipment: Equipment, claim: Claim, lease: Lease) -> None:
        self._equipment = equipment
        self._claim = claim
        self._lease = lease

    def run(self) -> None:
        reader = self._reader()  # first: without a model no study is at fault
        paths = self._paths()
        decoded, patient = self._decode(reader, paths)
        series, volume = decoded.series, decoded.volume
        self._advance(JobState.DECODED, slices=volume.shape[0], spacing_mm=volume.spacing_mm)
        priors = self._priors(series, paths)
        study = StudyToRead(
            series=series,
            volume=volume,
            given=clinical_context(self._equipment.engine, self._claim.study_id),
            earlier=priors.studies,
            not_compared=priors.not_compared,
        )
        destination = destination_of(reader.bundle)
        if destination is Destination.NOWHERE:
            read = self._read(reader, study)
            self._lease.check()
            store_shadow_answer(
                self._equipment,
                self._claim,
                read,
                bundle_version=reader.bundle.version,
                provider=reader.provider,
            )
            return
        settings = self._equipment.settings
        files = [paths[frame.sop_instance_uid] for frame in volume.frames]
        with_slices = settings.study_page.keep_slices
        with begin_encoding(files, volume, with_slices=with_slices) as begun:
            read = self._read(reader, study)
            encoded = encode_study(
                self._to_encode(study, read, priors, patient, files, begun),
                settings,
                delivered=destination is Destination.PACS,
            )
        self._lease.check()
        store_answer(
            self._equipment,
            self._claim,
            read,
            encoded,
            patient_id=patient.patient_id,
            provider=reader.provider,
            kept=self._keep(series, read.kept),
        )

    def _read(self, reader: StudyReader, study: StudyToRead) -> StudyRead:
        read = reader.read_study(study, self._progress(30, 85))
        outcome = read.reading.outcome.value
        self._advance(JobState.INFERRED, outcome=outcome, suspicion=read.suspicion)
        return read

    def _reader(self) -> StudyReader:
        """The newest version of the job's own bundle."""
        reader = self._equipment.reader_of(self._claim.bundle)
        with transaction(self._equipment.engine) as session:
            note_bundle(session, self._claim, reader.bundle.version)
        return reader

    def _to_encode(
        self,
        study: StudyToRead,
        read: StudyRead,
        priors: Priors,
        patient: PatientIdentity,
        files: Sequence[Path],
        begun: BegunEncoding,
    ) -> StudyToEncode:
        return StudyToEncode(
            paths=files,
            volume=study.volume,
            reading=read.reading,
            triage=read.triage,
            content_datetime=self._claim.queued_at.astimezone(self._equipment.settings.zone),
            result_version=self._claim.study_version,
            earlier_reports=earlier_reports(
                self._equipment.engine,
                self._claim.study_id,
                self._claim.study_version,
                bundle=self._claim.bundle,
                answer=read.reading,
                priors=priors,
            ),
            earlier=read.earlier,
            known_lesions=read.tracking,
            lesion_places=read.places,
            accession_number=as_kept(patient.accession_number),
            begun=begun,
        )

    def _paths(self) -> dict[str, Path]:
        with transaction(self._equipment.engine) as session:  # it locks the study
            require_patient(session, self._claim.study_id, self._claim.study_version)
            stored = instance_paths(session, self._claim)
        spool = self._equipment.settings.spool_folder
        paths = {uid: spool / path for uid, path in stored.items()}
        kept_files(self._equipment.settings).fetch_all(paths.values())
        return paths

    def _decode(
        self, reader: StudyReader, paths: Mapping[str, Path]
    ) -> tuple[DecodedSeries, PatientIdentity]:
        """The best series, and whose it is."""
        kept = self._equipment.kept_ahead
        instances = kept.read_instances(paths.values())
        patient = of_all = one_patient(patients_of(instances))
        found = group_series(instances)

        def note(selection: SeriesSelection) -> None:
            nonlocal patient
            with transaction(self._equipment.engine) as session:
                record_decisions(session, self._claim, _decision_rows(self._claim, selection))
            chosen = selection.chosen
            if chosen is not None:
                patient = patient_of_series(of_all, _patients_of(chosen, instances))
            self._settle(patient)
            if chosen is not None:
                self._advance(JobState.SELECTED, series_instance_uid=chosen.series_instance_uid)
            elif not applies(reader.bundle, found):
                raise BundleDoesNotApply(series=len(found))

        decoded = decode_best(
            found,
            refusals_of(reader.bundle),
            lambda series: decode_volume(
                series, paths, on_progress=self._progress(0, 30), decoded=kept.take_slice
            ),
            on_selection=note,
        )
        return decoded, patient

    def _settle(self, patient: PatientIdentity) -> None:
        stated = StatedPatient(
            patient_id=as_kept(patient.patient_id),
            issuer_of_patient_id=as_kept(patient.issuer),
            accession_number=as_kept(patient.accession_number),
            patient_sex=as_kept(patient.sex, 16),
            patient_age=as_kept(patient.age, 4),
        )
        study_id, version = self._claim.study_id, self._claim.study_version
        with transaction(self._equipment.engine) as session:
            settle_patient(session, study_id, version, stated, self._equipment.clock())

    def _priors(self, series: SeriesHeader, paths: Mapping[str, Path]) -> Priors:
        if not self._equipment.settings.compare_priors:
            return Priors()
        with query(self._equipment.engine) as session:
            candidates = prior_candidates(session, self._claim.study_id, bundle=self._claim.bundle)
        return choose_priors(
            candidates,
            instance=paths[series.instances[0].sop_instance_uid],
            acquired_at=series.acquired_at,
            settings=self._equipment.settings,
        )

    def _keep(self, series: SeriesHeader, content: bytes | None) -> str | None:
        if content is None:
            return None
        version = f"{self._claim.bundle}-version-{self._claim.study_version}"
        name = f"{series.study_instance_uid}/{version}"
        settings = self._equipment.settings
        return keep_for_comparison(kept_files(settings), settings.results_folder, name, content)

    def _advance(self, state: JobState, **facts: object) -> None:
        self._lease.check()
        with transaction(self._equipment.engine) as session:
            advance_job(session, self._claim, state, self._equipment.clock(), **facts)

    def _progress(self, first_percent: int, last_percent: int) -> Callable[[int, int], None]:
        def show(done: int, total: int) -> None:
            self._lease.check()
            share = done / max(total, 1)
            self._lease.progress_percent = round(
                first_percent + share * (last_percent - first_percent)
            )

        return show
