"""What OHIF is told: that its only source of images are our DICOMweb services, and where it lies.

https://docs.ohif.org/configuration/configurationFiles. It cannot be told anything else by an
address: no configuration, source or customisation is loaded from elsewhere. It stores nothing,
because we keep no reports and annotations of others.
"""

from __future__ import annotations

import json
from typing import Any, Final

from worklist.access.request_guard import DICOMWEB
from worklist.ohif.installed import OHIF

_SOURCE: Final = "firstread"
_CONFIGURATION: Final[dict[str, Any]] = {
    "name": "firstread",
    "routerBasename": OHIF,
    "showStudyList": False,  # the page has a list; this one would show names whoever looks
    "extensions": [],
    "modes": [],
    "customizationService": {"ohif.tours": {"$set": []}},  # a reader wants the images first
    "maxNumberOfWebWorkers": 3,
    "showLoadingIndicator": True,
    "showWarningMessageForCrossOrigin": False,
    "showCPUFallbackMessage": True,
    "strictZSpacingForVolumeViewport": True,
    "investigationalUseDialog": {"option": "never"},
    "maxNumRequests": {"interaction": 20, "thumbnail": 4, "prefetch": 10},
    "dangerouslyUseDynamicConfig": {"enabled": False},
    "defaultDataSourceName": _SOURCE,
    "dataSources": [
        {
            "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
            "sourceName": _SOURCE,
            "configuration": {
                "friendlyName": "Firstread",
                "name": _SOURCE,
                "qidoRoot": DICOMWEB,
                "wadoRoot": DICOMWEB,
                "wadoUriRoot": DICOMWEB,
                "qidoSupportsIncludeField": True,
                "imageRendering": "wadors",
                "thumbnailRendering": "wadors",
                "enableStudyLazyLoad": True,
                "supportsFuzzyMatching": False,
                "supportsWildcard": True,
                "supportsStow": False,
                "dicomUploadEnabled": False,
                "omitQuotationForMultipartRequest": True,
                "bulkDataURI": {"enabled": True},
            },
        }
    ],
}

# Without a function here, OHIF calls null for each image whose loading ends in an error, and that
# hides the error. A reader who opens another series ends the loading of this one: that has no
# status and is no error.
_ERROR_HANDLER: Final = (
    "window.config.httpErrorHandler = error => {"
    " const status = error && (error.status || (error.request && error.request.status));"
    " if (status) console.error(`DICOMweb answered ${status}`);"
    " };\n"
)


def configuration_script() -> bytes:
    """The script by which OHIF is configured."""
    return f"window.config = {json.dumps(_CONFIGURATION)};\n{_ERROR_HANDLER}".encode()
