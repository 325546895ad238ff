"""What a manifest is: its format told, its lines checked, its rows read and written, as Step Functions reads them."""
