"""When the images of a study may be taken as all there: values in, a moment out."""
