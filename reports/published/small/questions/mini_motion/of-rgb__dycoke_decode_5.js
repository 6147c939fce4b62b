given("of-rgb__dycoke_decode_5",{"outcomes":"223333213321212331122331","labels":null});
