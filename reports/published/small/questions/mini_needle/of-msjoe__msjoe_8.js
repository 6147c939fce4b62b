given("of-msjoe__msjoe_8",{"outcomes":"212221211121221112212111","labels":null});
