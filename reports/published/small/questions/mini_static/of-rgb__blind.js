given("of-rgb__blind",{"outcomes":"122221122222221221222122","labels":null});
