"""The items of a distributed Map: ItemReader (readers, csv_rows, json_items), ItemBatcher (batcher), ResultWriter
(results)."""
