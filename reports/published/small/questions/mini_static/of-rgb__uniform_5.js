given("of-rgb__uniform_5",{"outcomes":"332316223332213233223332","labels":null});
