"""A volume as one Enhanced CT image (PS3.3 A.38): a frame per slice in functional groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import EnhancedCTImageStorage

from phantom.ct_images import PixelEncoding, decimal, decimals, file_meta
from phantom.identity import SeriesAttributes, StudyIdentity
from radiology.image.volume import Volume

_IMAGE_TYPE = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]  # PS3.3 C.8.16.1
_CHEST = Code("51185008", "SCT", "Chest")


def enhanced_ct(
    volume: Volume, study: StudyIdentity, series: SeriesAttributes, encoding: PixelEncoding
) -> Dataset:
    """Make an Enhanced CT image of all slices, in their order."""
    dataset = Dataset()
    dataset.SOPClassUID = EnhancedCTImageStorage
    dataset.SOPInstanceUID = study.uid(
        "instance", series.name, "enhanced", encoding.transfer_syntax_uid, str(encoding.signed)
    )
    dataset.file_meta = file_meta(
        EnhancedCTImageStorage, dataset.SOPInstanceUID, encoding.transfer_syntax_uid
    )
    study.add_to(dataset)
    series.add_to(dataset, study)
    _add_image(dataset)
    _add_dimensions(dataset, study)
    dataset.SharedFunctionalGroupsSequence = [_shared_groups(volume, study, series, encoding)]
    dataset.PerFrameFunctionalGroupsSequence = [
        _frame_groups(volume, index, dataset) for index in range(volume.shape[0])
    ]
    dataset.NumberOfFrames = volume.shape[0]
    encoding.add_to(dataset, encoding.stored(volume.hounsfield))
    return dataset


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _code(code: Code) -> list[Dataset]:
    return [
        _item(
            CodeValue=code.value,
            CodingSchemeDesignator=code.scheme_designator,
            CodeMeaning=code.meaning,
        )
    ]


def _add_image(dataset: Dataset) -> None:
    """Enhanced CT Image and Acquisition Context attributes (PS3.3 C.8.15.2, C.7.6.14)."""
    dataset.InstanceNumber = 1
    dataset.ImageType = _IMAGE_TYPE
    dataset.ContentDate, dataset.ContentTime = dataset.StudyDate, dataset.StudyTime
    dataset.AcquisitionNumber = 1
    dataset.AcquisitionDateTime = dataset.StudyDate + dataset.StudyTime
    dataset.AcquisitionDuration = 5.0
    dataset.PixelPresentation = "MONOCHROME"
    dataset.VolumetricProperties = "VOLUME"
    dataset.VolumeBasedCalculationTechnique = "NONE"
    dataset.ContentQualification = "RESEARCH"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.MultienergyCTAcquisition = "NO"
    dataset.AcquisitionContextSequence = []


def _add_dimensions(dataset: Dataset, study: StudyIdentity) -> None:
    """Frames are indexed by stack and place in it (PS3.3 C.7.6.17)."""
    uid = study.uid("dimensions")
    dataset.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=uid)]
    dataset.DimensionIndexSequence = [
        _item(
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=0x00209111,  # Frame Content Sequence
            DimensionOrganizationUID=uid,
            DimensionDescriptionLabel=label,
        )
        for pointer, label in ((0x00209056, "Stack ID"), (0x00209057, "In-Stack Position Number"))
    ]


def _shared_groups(
    volume: Volume, study: StudyIdentity, series: SeriesAttributes, encoding: PixelEncoding
) -> Dataset:
    directions = volume.affine[:3, :3] / np.array(volume.spacing_mm)
    apart, row_mm, column_mm = volume.spacing_mm
    groups = _item(
        PixelMeasuresSequence=[
            _item(
                PixelSpacing=decimals(np.array([row_mm, column_mm])),
                SliceThickness=decimal(round(series.slice_thickness_mm or apart, 4)),
            )
        ],
        PlaneOrientationSequence=[
            _item(
                ImageOrientationPatient=decimals(
                    np.concatenate([directions[:, 2], directions[:, 1]])
                )
            )
        ],
        FrameAnatomySequence=[_item(FrameLaterality="B", AnatomicRegionSequence=_code(_CHEST))],
        PixelValueTransformationSequence=[
            _item(
                RescaleIntercept=decimal(encoding.rescale_intercept),
                RescaleSlope=decimal(1),
                RescaleType="HU",
            )
        ],
        FrameVOILUTSequence=[_item(WindowCenter=[decimal(-600)], WindowWidth=[decimal(1500)])],
    )
    groups.update(_ct_groups(volume, series, study))
    return groups


def _ct_groups(volume: Volume, series: SeriesAttributes, study: StudyIdentity) -> Dataset:
    """The macros that an original CT frame must have (PS3.3 C.8.15.3)."""
    return _item(
        CTImageFrameTypeSequence=[
            _item(
                FrameType=_IMAGE_TYPE,
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
            )
        ],
        CTAcquisitionTypeSequence=[
            _item(
                AcquisitionType="SPIRAL",
                ConstantVolumeFlag="NO",
                FluoroscopyFlag="NO",
            )
        ],
        CTAcquisitionDetailsSequence=[
            _item(
                RotationDirection="CW",
                RevolutionTime=0.5,
                SingleCollimationWidth=0.6,
                TotalCollimationWidth=38.4,
                TableHeight=decimal(150),
                GantryDetectorTilt=decimal(0),
                DataCollectionDiameter=decimal(500),
            )
        ],
        CTTableDynamicsSequence=[
            _item(TableSpeed=60.0, TableFeedPerRotation=30.0, SpiralPitchFactor=0.8)
        ],
        CTPositionSequence=[
            _item(
                TablePosition=0.0,
                DataCollectionCenterPatient=[0.0, 0.0, 0.0],
                ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0],
            )
        ],
        CTGeometrySequence=[
            _item(
                DistanceSourceToDetector=decimal(1000), DistanceSourceToDataCollectionCenter=535.0
            )
        ],
        CTReconstructionSequence=[
            _item(
                ReconstructionAlgorithm="FILTER_BACK_PROJ",
                ConvolutionKernel=series.convolution_kernel,
                ConvolutionKernelGroup="LUNG",
                ReconstructionDiameter=decimal(360),
                ReconstructionPixelSpacing=decimals(np.array(volume.spacing_mm[1:])),
                ReconstructionAngle=360.0,
                ImageFilter="NONE",
            )
        ],
        CTExposureSequence=[
            _item(
                ExposureTimeInms=500.0,
                XRayTubeCurrentInmA=200.0,
                ExposureInmAs=100.0,
                ExposureModulationType="NONE",
                CTDIvol=6.0,
                CTDIPhantomTypeCodeSequence=_code(
                    Code("113691", "DCM", "IEC Body Dosimetry Phantom")
                ),
            )
        ],
        CTXRayDetailsSequence=[
            _item(
                KVP=decimal(120),
                FocalSpots=[decimal(1)],
                FilterType="FLAT",
                FilterMaterial="ALUMINUM",
            )
        ],
        IrradiationEventIdentificationSequence=[
            _item(IrradiationEventUID=study.uid("irradiation"))
        ],
    )


def _frame_groups(volume: Volume, index: int, dataset: Dataset) -> Dataset:
    position = volume.positions_mm(np.array([[index, 0, 0]]))[0]
    return _item(
        FrameContentSequence=[
            _item(
                FrameAcquisitionNumber=1,
                FrameReferenceDateTime=dataset.AcquisitionDateTime,
                FrameAcquisitionDateTime=dataset.AcquisitionDateTime,
                FrameAcquisitionDuration=500.0,
                StackID="1",
                InStackPositionNumber=index + 1,
                DimensionIndexValues=[1, index + 1],
            )
        ],
        PlanePositionSequence=[_item(ImagePositionPatient=decimals(position))],
    )
