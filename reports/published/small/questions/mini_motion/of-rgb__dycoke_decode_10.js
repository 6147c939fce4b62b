given("of-rgb__dycoke_decode_10",{"outcomes":"223333213321212331122331","labels":null});
