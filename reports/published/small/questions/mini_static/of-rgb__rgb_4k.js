given("of-rgb__rgb_4k",{"outcomes":"132321332133332133233333","labels":null});
