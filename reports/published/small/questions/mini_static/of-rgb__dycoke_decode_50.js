given("of-rgb__dycoke_decode_50",{"outcomes":"132321332133332133233333","labels":null});
