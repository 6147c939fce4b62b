given("of-rgb__dycoke_decode_10",{"outcomes":"132321332133332133233333","labels":null});
