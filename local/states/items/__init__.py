"""The items of a Distributed Map: ItemReader, ItemBatcher and ResultWriter."""
