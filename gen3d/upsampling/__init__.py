"""Point-cloud upsampling: PUFM++ (arXiv 2512.20988), PUFM (arXiv 2501.15286) and our default."""
