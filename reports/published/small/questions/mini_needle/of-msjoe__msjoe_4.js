given("of-msjoe__msjoe_4",{"outcomes":"212221211121221112212121","labels":null});
